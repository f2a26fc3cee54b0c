#pragma once

#include <sys/types.h>
#include <uv.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "job.hpp"

namespace cohort::fake_scheduler {

// What happens on the only thread of the scheduler, by libuv.

/// Calls functions later.
class Timers {
 public:
  explicit Timers(uv_loop_t* loop);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  using Token = std::uint64_t;  ///< 0: none
  Token after(Milliseconds delay, std::function<void()> function);
  /// Of a function that was called already, and of none, nothing comes.
  void cancel(Token& token);

 private:
  void start();
  void run_due();

  uv_loop_t* loop_;
  uv_timer_t* timer_;  // closed with this object, and deleted by the loop
  std::map<std::pair<std::uint64_t, Token>, std::function<void()>> due_;
  std::map<Token, std::uint64_t> times_;
  Token last_ = 0;
};

/// Takes the status of each child that ends, also of those that came here when their parents ended.
class Children {
 public:
  explicit Children(uv_loop_t* loop);
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void watch(pid_t pid, std::function<void(int wait_status)> ended) { ended_[pid] = std::move(ended); }
  void forget(pid_t pid) { ended_.erase(pid); }
  void reap();

 private:
  uv_signal_t* signal_;
  std::map<pid_t, std::function<void(int)>> ended_;
};

/// One end of a pipe or of a Unix socket. Goes away with close() only, once libuv lets go of it.
class Stream {
 public:
  /// Takes the descriptor over. Null: libuv does not take it.
  static Stream* open(uv_loop_t* loop, int descriptor);
  /// One that accepts a connection of a listening pipe. Null: there was none.
  static Stream* accept(uv_loop_t* loop, uv_stream_t* listening);

  /// Begins to read. `read` gets what came; and then nothing, once: at the end, and on an error.
  void read(std::function<void(std::string_view)> read);
  void pause();
  void resume();
  /// Sends it, now or later. What cannot be sent is lost: reading says that the other end is gone.
  void write(std::string_view bytes);
  /// What was not sent yet.
  std::size_t backlog() const { return backlog_; }
  /// Called when all is sent.
  void on_drained(std::function<void()> drained) { drained_ = std::move(drained); }
  /// No function is called any more. What was written is sent before.
  void close();

 private:
  explicit Stream(uv_loop_t* loop);
  void close_when_sent();

  uv_pipe_t pipe_;
  std::function<void(std::string_view)> read_;
  std::function<void()> drained_;
  std::size_t backlog_ = 0;
  bool reading_ = false, closing_ = false;
};

}  // namespace cohort::fake_scheduler
