#pragma once

#include <string>

#include <cohort/detail/runtime.hpp>

namespace cohort {

/// Returns the thunk with that id in this process. @throws Error, unimplemented, that says what is missing.
const detail::Thunk& find_thunk(detail::FunctionId id);

/// The same if it was found before, else null. Short: for the loop.
const detail::Thunk* find_known_thunk(detail::FunctionId id);

/// Whether this process has loaded a module (program or library) with that build-id, in hexadecimal.
bool module_is_loaded(const std::string& build_id);

/// The GNU build-ids in hexadecimal, of the main program and of this library.
const std::string& executable_build_id();
const std::string& library_build_id();
/// Of both: "<executable>/<library>".
std::string build_text();

}  // namespace cohort
