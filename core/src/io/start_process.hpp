#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace cohort {

/// The parameters of a new process. The calling thread is suspended while they are used, so nothing is copied.
struct ProcessImage {
  const char* program;  ///< without '/' it is looked up in PATH
  char* const* arguments;
  char* const* environment;
  const char* dir;  ///< null: inherited
  int standard[3];  ///< become descriptors 0, 1 and 2 and are above them; -1: /dev/null for 0, else inherited
  bool new_session;
  bool die_with_parent;
  const rlimit* descriptor_limit;  ///< null: inherited
};

/// Starts a process that inherits no other descriptor, no blocked and no ignored signal.
/// posix_spawn() is not used because it cannot make the process die with its parent.
/// @return 0, or the errno value of the failure: then there is no process.
int start_process(const ProcessImage& image, pid_t& pid);

}  // namespace cohort
