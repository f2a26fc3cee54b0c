#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop.hpp"
#include "protocol.hpp"

namespace cohort::fake_scheduler {

/// What a command prints, and how it ends.
struct Answer {
  std::string out, err;
  int code = 0;
};

/// A command that somebody called, as "squeue", and that waits for what the scheduler says.
class Call : public std::enable_shared_from_this<Call> {
 public:
  explicit Call(Stream* stream) : stream_(stream) {}

  /// Reads the request. @param ready is called once, with the request in place. @param gone once, at the end.
  void begin(std::function<void()> ready, std::function<void()> gone);

  const Request& request() const { return request_; }
  std::string_view command() const { return request_.words[0]; }
  std::vector<std::string> arguments() const { return {request_.words.begin() + 1, request_.words.end()}; }

  void out(std::string_view text) { send(Frame::output, text); }
  void err(std::string_view text) { send(Frame::error, text); }
  /// The command ends. Nothing after it counts.
  void exit(int code);
  void answer(const Answer& answer);

  /// Asks for its standard input. The function gets parts of it, and nothing at its end.
  void read_input(std::function<void(std::string_view)> input);
  /// Reads all of its standard input, or says that it is too much.
  void read_whole_input(std::function<void(std::string)> input);
  /// It passes on signals from now on, instead of being ended by them.
  void attach(std::function<void(int signal)> signal);
  /// Lets it run a command. @param ended gets its status.
  void run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
           std::function<void(int code)> ended);
  void signal_command(int number) { send(Frame::signal_command, std::to_string(number)); }
  /// Called if it ends before exit() was called.
  void on_gone(std::function<void()> gone) { gone_ = std::move(gone); }

  /// What it has not taken yet of what was written.
  std::size_t backlog() const { return stream_ == nullptr ? 0 : stream_->backlog(); }
  void on_drained(std::function<void()> drained);
  /// Hangs up, and lets go of all functions, which may own this object. When none of them runs.
  void release();
  /// Reads no more of its input until resume_input().
  void pause_input();
  void resume_input();

 private:
  void take(Frame kind, const std::string& payload);
  void send(Frame kind, std::string_view payload);
  void end();

  Stream* stream_;  // null: it is gone
  FrameReader frames_;
  Request request_;
  bool requested_ = false;
  std::function<void()> ready_, server_gone_, gone_;
  std::function<void(std::string_view)> input_;
  std::function<void(int)> signal_, ended_;
};

}  // namespace cohort::fake_scheduler
