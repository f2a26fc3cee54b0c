#pragma once

#include <functional>

#include "io/reactor.hpp"

namespace cohort {

/// Watches a descriptor. Loop thread only, but for construction. The callback may destroy the watcher; what it throws
/// is only logged.
class PollWatcher {
 public:
  using Callback = std::function<void(bool readable, bool writable)>;
  PollWatcher() = default;
  ~PollWatcher() { stop(); }
  PollWatcher(const PollWatcher&) = delete;
  PollWatcher& operator=(const PollWatcher&) = delete;

  /// Starts, or changes what is watched for. @throws Error when the descriptor cannot be watched.
  void watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback = {});
  void stop();

 private:
  struct Handle;
  Handle* handle_ = nullptr;  // freed by its close callback
};

/// Calls back on the loop when the process gets a signal that would else have its default effect. Where the program
/// handles or ignores the signal, nothing is changed. Loop thread only.
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
