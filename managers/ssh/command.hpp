#pragma once

#include "exec_channel.hpp"

namespace cohort_ssh {

/// A short command whose end is waited for. What it prints is of no interest.
class Command final : public ExecChannel {
 public:
  using ExecChannel::ExecChannel;

 protected:
  std::size_t take_output(bool, std::span<const char> bytes) override { return bytes.size(); }
  bool has_room(bool) const override { return true; }
  void output_ended() override {}
};

}  // namespace cohort_ssh
