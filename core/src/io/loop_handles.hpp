#pragma once

#include <functional>

#include "io/reactor.hpp"

namespace cohort {

/// Watches a descriptor. Only the loop thread may use it, except for its construction. The callback may destroy the
/// watcher; an exception of the callback is only logged.
class PollWatcher {
 public:
  using Callback = std::function<void(bool readable, bool writable)>;
  PollWatcher() = default;
  ~PollWatcher() { stop(); }
  PollWatcher(const PollWatcher&) = delete;
  PollWatcher& operator=(const PollWatcher&) = delete;

  /// Starts to watch, or changes the events. @throws Error if the descriptor cannot be watched.
  void watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback = {});
  void stop();

 private:
  struct Handle;
  Handle* handle_ = nullptr;  // freed by its close callback
};

/// Calls back on the loop when the process gets a signal, instead of the signal's default action. If the program itself
/// handles or ignores the signal, nothing is changed. Only the loop thread may use it.
class SignalWatcher {
 public:
  SignalWatcher() = default;
  ~SignalWatcher() { stop(); }
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  void watch(Reactor& reactor, int number, std::function<void()> callback);
  void stop();

 private:
  struct Handle;
  Handle* handle_ = nullptr;  // freed by its close callback
};

}  // namespace cohort
