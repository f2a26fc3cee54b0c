#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

/// A `cohort fake-scheduler` of a test's own, with two hosts of two CPUs if the options say nothing else. Its commands
/// are in the PATH of this process as long as this object is there. It ends with this object, and with this process.
class FakeScheduler {
 public:
  explicit FakeScheduler(const std::string& dialect, const std::vector<std::string>& options = {});
  ~FakeScheduler();
  FakeScheduler(const FakeScheduler&) = delete;
  FakeScheduler& operator=(const FakeScheduler&) = delete;

  /// Where all its files are.
  const std::string& directory() const { return directory_; }
  /// `cohort fake-scheduler control WORDS`. @return what it printed.
  static std::string control(const std::string& words);
  /// All jobs, also those that have ended, as "number name state hosts" in lines.
  static std::string jobs() { return control("jobs"); }
  /// What of its jobs still runs on this machine, as command lines.
  std::string processes() const;

 private:
  pid_t pid_ = -1;
  FileDescriptor input_;  // its end is the end of the scheduler
  std::string directory_, old_path_;
};

}  // namespace cohort::test
