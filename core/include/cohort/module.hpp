#pragma once

#include <cohort/detail/language.hpp>

#include <string>

namespace COHORT_EXPORT cohort {

/// Loads a shared object into all processes, and returns when all have loaded it. Workers that are added later load it
/// before they run anything, in the order of these calls. Its remote functions can then be called, those of
/// COHORT_FUNCTION by name. If a worker's host has another file at that path, or none, the master sends its own.
/// Loading the same build again does nothing; a new build is loaded beside the old one, and its named functions replace
/// the old ones. Master only.
/// @throws PluginError if this process cannot load it: nothing was sent then. CompositeException for failures of other
/// processes, in the order of pids.
void load_module(const std::string& path);

}  // namespace cohort
