#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>

#include <cohort/types.hpp>

namespace cohort::cli {

/// Says on standard error how far a launch is that lasts long: on a terminal after three seconds, in one line that is
/// drawn again and again, else once after ten. Has a thread of its own while it lives.
class LaunchProgress {
 public:
  /// @param wanted how many workers there are to be, where that is known.
  explicit LaunchProgress(std::optional<std::size_t> wanted);
  ~LaunchProgress();
  LaunchProgress(const LaunchProgress&) = delete;

 private:
  void run(const std::stop_token& stop);

  const std::optional<std::size_t> wanted_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;  // of waiting_ alone
  std::condition_variable_any waiting_;
  std::jthread thread_;
};

}  // namespace cohort::cli
