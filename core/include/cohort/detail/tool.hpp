#pragma once

#include <cstddef>

#include <cohort/detail/export.hpp>

// What the command line tool asks of its cluster beside what programs do. Not for programs.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Has the status with which a Session ends the program, if it cannot start, translated: `cohort map` has others. To be
/// called before the Session is made, by its thread.
void set_session_exit_status(int (*translate)(int status));

/// Counts the workers that have joined. workers() has those of a launch when it is over.
/// @throws Error if this process is no master.
std::size_t joined_workers();

}  // namespace detail
}  // namespace cohort
