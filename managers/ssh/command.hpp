#pragma once

#include <algorithm>
#include <string>

#include "exec_channel.hpp"

namespace cohort_ssh {

/// A short command whose output is kept, up to a limit.
class Command final : public ExecChannel {
 public:
  using ExecChannel::ExecChannel;

  /// Both outputs. After wait_until() told the end of a command and its output.
  const std::string& output() const { return output_; }

 protected:
  std::size_t take_output(bool, std::span<const char> bytes) override {
    output_.append(bytes.data(), std::min(bytes.size(), most_output - std::min(most_output, output_.size())));
    return bytes.size();
  }
  bool has_room(bool) const override { return true; }
  void output_ended() override {}

 private:
  static constexpr std::size_t most_output = 64 * 1024;
  std::string output_;
};

}  // namespace cohort_ssh
