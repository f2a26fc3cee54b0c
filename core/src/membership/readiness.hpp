#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <poll.h>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/transport.hpp>

namespace cohort {

/// Waits for any of several connections, also those without a descriptor. The caller must try which one is ready. Any
/// thread may call wake(), only one thread the other functions.
class Readiness {
 public:
  /// @throws Error: no descriptors left.
  Readiness();

  /// For connections and listeners that signal by a callback: call it once for each, before the first attempt.
  void tell(IoPair& pair);
  void tell(Listener& listener);

  /// Adds a descriptor for the next wait().
  void watch_input(int descriptor) { watch(descriptor, POLLIN); }
  void watch_output(int descriptor) { watch(descriptor, POLLOUT); }
  /// Waits until one of them is ready, wake() was called, or the deadline passed. Forgets the descriptors.
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
