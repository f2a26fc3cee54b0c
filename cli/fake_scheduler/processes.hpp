#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace cohort::fake_scheduler {

/// A variable in the environment of all processes of a job, by which they are found: also those that left their parents
/// and their session behind.
inline constexpr const char* mark_variable = "COHORT_FAKE_SCHEDULER_PROCESS";

/// What a process is to be.
struct ProcessSpec {
  std::vector<std::string> command;
  std::string dir;
  std::vector<std::string> environment;
  mode_t umask = 022;
  int input = -1, output = -1, error = -1;  ///< descriptors, which the caller keeps
};

/// Starts a process in a session of its own. @return its id, or -errno.
pid_t start_process(const ProcessSpec& spec);

struct MarkedProcess {
  pid_t pid;
  std::string mark;          ///< what the variable has
  std::uint64_t memory = 0;  ///< resident, in bytes
};
/// All whose mark begins so; of them no zombies.
std::vector<MarkedProcess> find_processes(const std::string& mark_prefix);

}  // namespace cohort::fake_scheduler
