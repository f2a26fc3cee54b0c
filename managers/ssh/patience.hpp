#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stop_token>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

namespace cohort_ssh {

/// A descriptor that becomes readable when it is set. Any thread.
class Event {
 public:
  Event() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!descriptor_) throw cohort::Error("no descriptor for an eventfd");
  }
  int descriptor() const { return descriptor_.get(); }
  void set() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(descriptor_.get(), &one, sizeof one);
  }
  void reset() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(descriptor_.get(), &count, sizeof count);
  }

 private:
  cohort::FileDescriptor descriptor_;
};

/// How long a thread may wait for descriptors: until a deadline or a stop request.
class Patience {
 public:
  Patience(cohort::Clock::time_point deadline, const std::stop_token& stop)
      : deadline_(deadline), stop_(stop), wake_(stop, [this] { stopped_.set(); }) {}
  Patience(const Patience&) = delete;

  cohort::Clock::time_point deadline() const { return deadline_; }
  const std::stop_token& stop() const { return stop_; }
  bool stopped() const { return stop_.stop_requested(); }
  bool over() const { return stopped() || cohort::Clock::now() >= deadline_; }

  /// Waits until the descriptor has one of `events`. @return false if the patience is over.
  bool wait(int descriptor, short events) const {
    pollfd polled[] = {{descriptor, events, 0}, {stopped_.descriptor(), POLLIN, 0}};
    while (!over()) {
      if (::poll(polled, 2, cohort::poll_timeout(deadline_)) > 0 && polled[0].revents != 0) return true;
    }
    return false;
  }
  /// Waits for `pause`. @return false if the patience is over.
  bool sleep(cohort::Duration pause) const {
    const auto until = std::min(deadline_, cohort::Clock::now() + pause);
    pollfd stopped{stopped_.descriptor(), POLLIN, 0};
    while (!this->stopped() && cohort::Clock::now() < until) ::poll(&stopped, 1, cohort::poll_timeout(until));
    return !over();
  }

 private:
  const cohort::Clock::time_point deadline_;
  const std::stop_token stop_;
  const Event stopped_;
  const std::stop_callback<std::function<void()>> wake_;
};

}  // namespace cohort_ssh
