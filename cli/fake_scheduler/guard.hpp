#pragma once

#include <sys/types.h>

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort::fake_scheduler {

/// A process that outlives this one for a moment: it kills what is left of the jobs, and removes the directory, if this
/// process was killed.
class Guard {
 public:
  /// Before this process has threads, and before it makes anything in the directory that needs a guard.
  explicit Guard(const std::string& directory);
  /// There is nothing left to guard: it ends.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  FileDescriptor watched_;
  pid_t pid_ = -1;
};

}  // namespace cohort::fake_scheduler
