#pragma once

#include <string>
#include <thread>

#include <cohort/file_descriptor.hpp>

namespace cohort_launched {

/// Ends this process if its launcher has ended, which cannot do that any more: one that was killed leaves what it has
/// started. The process gets SIGTERM, and SIGKILL if it is still there some seconds later. The workers lose their
/// master then, and end, too. A thread of its own, which sleeps. Does nothing where the launcher is not seen.
class LauncherWatch {
 public:
  /// @param launcher its name, for people.
  explicit LauncherWatch(std::string launcher);
  ~LauncherWatch();
  LauncherWatch(const LauncherWatch&) = delete;
  LauncherWatch& operator=(const LauncherWatch&) = delete;

 private:
  void run() const;

  const std::string launcher_;
  cohort::FileDescriptor process_;  // the launcher's; readable when it has ended
  cohort::FileDescriptor stop_;     // readable when this object ends
  std::thread thread_;
};

}  // namespace cohort_launched
