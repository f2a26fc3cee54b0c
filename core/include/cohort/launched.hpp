#pragma once

#include <cohort/detail/language.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace COHORT_EXPORT cohort {

/// Which one this process is of those that a launcher has started of one program: srun, or the mpiexec of Open MPI,
/// MPICH and their relatives.
struct LaunchedProcess {
  std::string launcher;  ///< for messages: "srun", "mpiexec of Open MPI"
  int rank = 0;          ///< from 0 to size - 1
  int size = 1;          ///< how many processes it has started
  std::string run;       ///< a name that no other run of these launchers has; empty: the launcher does not say
};

/// What the environment of this process says. nullopt: no such launcher has started it, or one whose environment does
/// not say both rank and size. (The batch script of a job is not one of its tasks.)
/// @throws ConfigError if rank and size contradict each other.
std::optional<LaunchedProcess> launched_process();

/// The join file by which the processes of a run meet: the one of rank 0 writes it, the others read it.
/// @param name of the run, in place of the launcher's; empty: that.
/// @throws ConfigError if neither has one.
std::filesystem::path meeting_point(const LaunchedProcess& process, const std::filesystem::path& directory,
                                    const std::string& name);

}  // namespace cohort
