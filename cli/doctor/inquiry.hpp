#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "ssh/exec_channel.hpp"

namespace cohort::doctor {

/// A short command on a host, and all that it says.
class Inquiry final : public cohort_ssh::ExecChannel {
 public:
  using ExecChannel::ExecChannel;

  /// Both outputs, once they ended; nullopt: not by then. Any thread.
  std::optional<std::string> output_until(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_until(lock, deadline, [this] { return has_ended_; })) return std::nullopt;
    return output_;
  }

 protected:
  std::size_t take_output(bool, std::span<const char> bytes) override {
    const std::lock_guard lock(mutex_);
    output_.append(bytes.data(), std::min(bytes.size(), most_output - output_.size()));
    return bytes.size();
  }
  bool has_room(bool) const override { return true; }
  void output_ended() override {
    {
      const std::lock_guard lock(mutex_);
      has_ended_ = true;
    }
    ended_.notify_all();
  }

 private:
  static constexpr std::size_t most_output = 1 << 20;

  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::string output_;
  bool has_ended_ = false;
};

}  // namespace cohort::doctor
