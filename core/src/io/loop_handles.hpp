#pragma once

#include <functional>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "io/reactor.hpp"

namespace cohort {

/// Watches a descriptor. Loop thread only, but for construction. The callback may destroy the watcher.
class PollWatcher {
 public:
  using Callback = std::function<void(bool readable, bool writable)>;
  PollWatcher() = default;
  ~PollWatcher() { stop(); }
  PollWatcher(const PollWatcher&) = delete;
  PollWatcher& operator=(const PollWatcher&) = delete;

  /// Starts, or changes what is watched for.
  void watch(Reactor& reactor, int descriptor, bool readable, bool writable, Callback callback = {});
  void stop();

 private:
  struct Handle;
  Handle* handle_ = nullptr;  // freed by its close callback
};

/// Calls back once, or repeatedly, on the loop. Loop thread only. May be late by the reactor's grace.
class Timer {
 public:
  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(Reactor& reactor, Duration after, std::function<void()> callback, Duration repeat = Duration::zero());
  void stop();

 private:
  FileDescriptor descriptor_;
  PollWatcher watcher_;
};

}  // namespace cohort
