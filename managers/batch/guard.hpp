#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <cohort/child_process.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort::batch {

/// A process that outlives this one, and cancels its jobs if it ends without having done so: by a signal, by Ctrl-C, by
/// kill -9. It is a shell that waits until a pipe of this process is closed, in a session of its own, so that signals
/// of the terminal do not reach it.
class Guard {
 public:
  /// @param cancel a command of sh, in which "$1" is the name. It is run twice: a job that is being submitted meanwhile
  /// is known to the scheduler a moment later. Empty: there is nothing to cancel. @param directory is removed then,
  /// with all that is in it. @param record of the cluster, which is removed if the jobs could be cancelled. None of
  /// them need be there yet.
  /// @throws Error if it does not come up.
  Guard(const std::string& cancel, const std::string& name, const std::filesystem::path& directory,
        const std::filesystem::path& record);
  /// Ends it: there is nothing left to guard.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  cohort::FileDescriptor watched_;  // the end of the pipe to which nobody writes
  std::optional<cohort::ChildProcess> process_;
};

}  // namespace cohort::batch
