#pragma once

#include <optional>
#include <span>
#include <string>

#include <libssh/callbacks.h>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "channel.hpp"

namespace cohort_ssh {

/// A command that the server runs for us, with its input and its outputs. This class opens the channel, sends the input
/// and handles the end; derived classes handle the output.
class ExecChannel : public Channel {
 public:
  /// @param input the whole input of the command.
  ExecChannel(std::string command, std::string input) : command_(std::move(command)), input_(std::move(input)) {}

  bool step(ssh_session session) override;
  void add_to(std::vector<pollfd>&) const override {}
  bool is_over() const override { return stage_ == Stage::over; }
  void release(const std::string& reason) override;

  /// Waits for the end, and returns how it ended; nullopt if it did not. Any thread.
  struct End {
    std::optional<cohort::ExitStatus> status;  ///< not set: the server did not say
    std::string problem;                       ///< why it could not run, or is not heard of any more
    std::string text() const;                  ///< "exited with code 3"
  };
  std::optional<End> wait_until(cohort::Clock::time_point deadline);
  bool has_ended();

 protected:
  /// Call it before the channel is added: the input then waits for let_input_go().
  void hold_input() { input_is_held_ = true; }

  // The session's thread.
  void let_input_go() { input_is_held_ = false; }
  /// Accepts output. @return the number of accepted bytes; fewer than all: the rest later.
  virtual std::size_t take_output(bool is_stderr, std::span<const char> bytes) = 0;
  /// Whether there is room for output.
  virtual bool has_room(bool is_stderr) const = 0;
  virtual void output_ended() = 0;
  /// Called when its status is known, or will never be known.
  virtual void ended(const End&) {}

 private:
  enum class Stage { open_channel, request, write_input, run, over };

  bool open(ssh_session session);
  bool request(ssh_session session);
  bool write_input();
  bool wait_to_write();
  bool read(bool is_stderr);
  void end(const End& how);
  void fail(const std::string& what);

  const std::string command_;
  std::string input_;

  // The session's thread.
  Stage stage_ = Stage::open_channel;
  bool input_is_held_ = false;
  ssh_channel channel_ = nullptr;
  ssh_channel_callbacks_struct callbacks_{};
  std::string unread_[2];  // output that was not taken yet: standard output, standard error

  cohort::detail::Mutex mutex_;
  cohort::detail::ConditionVariable changed_;
  std::optional<End> end_ COHORT_GUARDED_BY(mutex_);
};

/// A short command; the caller waits for its end. Its output is ignored.
class Command final : public ExecChannel {
 public:
  using ExecChannel::ExecChannel;

 protected:
  std::size_t take_output(bool, std::span<const char> bytes) override { return bytes.size(); }
  bool has_room(bool) const override { return true; }
  void output_ended() override {}
};

}  // namespace cohort_ssh
