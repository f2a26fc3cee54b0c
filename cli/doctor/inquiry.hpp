#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <cohort/detail/mutex.hpp>

#include "ssh/exec_channel.hpp"
#include "ssh/launch_command.hpp"

namespace cohort::doctor {

/// A short script on a host, and all that it says.
class Inquiry final : public cohort_ssh::ExecChannel {
 public:
  /// @param ready the line by which the host asks for the script, see launch_command().
  Inquiry(const std::string& shell, const std::string& ready, const std::string& script)
      : ExecChannel(cohort_ssh::launch_command(shell, ready), script + '\n'), ready_('\n' + ready + '\n') {
    hold_input();
  }

  /// Both outputs, once they ended; nullopt: not by then. Any thread.
  std::optional<std::string> output_until(Clock::time_point deadline) {
    detail::MutexLock lock(mutex_);
    while (!has_ended_) {
      if (Clock::now() >= deadline) return std::nullopt;
      ended_.wait_until(mutex_, deadline);
    }
    return output_;
  }

 protected:
  std::size_t take_output(bool, std::span<const char> bytes) override {
    const detail::MutexLock lock(mutex_);
    output_.append(bytes.data(), std::min(bytes.size(), most_output - output_.size()));
    if (const auto at = is_asked_ ? output_.npos : output_.find(ready_); at != output_.npos) {
      output_.erase(at, ready_.size());
      is_asked_ = true;
      let_input_go();
    }
    return bytes.size();
  }
  bool has_room(bool) const override { return true; }
  void output_ended() override {
    {
      const detail::MutexLock lock(mutex_);
      has_ended_ = true;
    }
    ended_.notify_all();
  }

 private:
  static constexpr std::size_t most_output = 1 << 20;

  const std::string ready_;
  bool is_asked_ = false;  // the session's thread

  detail::Mutex mutex_;
  detail::ConditionVariable ended_;
  std::string output_ COHORT_GUARDED_BY(mutex_);
  bool has_ended_ COHORT_GUARDED_BY(mutex_) = false;
};

}  // namespace cohort::doctor
