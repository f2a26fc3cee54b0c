#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <poll.h>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/transport.hpp>

namespace cohort {

/// Waits for any of several connections, also those without a descriptor. What is ready is found out by trying. wake()
/// is for any thread, the rest for one.
class Readiness {
 public:
  /// @throws Error: no descriptors left.
  Readiness();

  /// Connections and listeners that say by a callback when they are ready: to be told once, before they are first
  /// tried.
  void tell(IoPair& pair);
  void tell(Listener& listener);

  /// For the next wait().
  void watch_input(int descriptor) { watch(descriptor, POLLIN); }
  void watch_output(int descriptor) { watch(descriptor, POLLOUT); }
  /// Until one of them is ready, wake() was called, or the deadline passed. Forgets what was to be watched.
  void wait(Clock::time_point deadline);
  void wake() { signal_->set(); }

 private:
  void watch(int descriptor, short events) {
    if (descriptor >= 0) watched_.push_back({descriptor, events, 0});
  }
  struct Signal {  // outlives this object in the callbacks
    explicit Signal(FileDescriptor event) : descriptor(std::move(event)) {}
    FileDescriptor descriptor;
    void set() const;
  };
  const std::shared_ptr<Signal> signal_;
  std::vector<pollfd> watched_;
};

}  // namespace cohort
