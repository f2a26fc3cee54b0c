#pragma once

#include <cohort/detail/language.hpp>

#include <string>

namespace cohort {

/// Loads a shared object into all processes, also into workers that are added later: those load it, in the order of
/// these calls, before they run anything. The remote functions in it can be called then, those of COHORT_FUNCTION by
/// name. Where a worker's host has another file at that path, or none, the master sends its own. Loading the same build
/// again does nothing; a rebuilt one is loaded beside the earlier one, and its named functions replace the earlier
/// ones. Master only; returns when all have loaded it.
/// @throws PluginError this process cannot load it, nothing was sent then; CompositeException the others' failures, in
/// the order of pids.
void load_module(const std::string& path);

}  // namespace cohort
