#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace cohort {

/// What a new process is made of. Everything is looked at while its parent stands still, so nothing is copied.
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
/// posix_spawn() cannot have it die with its parent.
/// @return 0, or the errno value of what failed: then there is no process.
int start_process(const ProcessImage& image, pid_t& pid);

}  // namespace cohort
