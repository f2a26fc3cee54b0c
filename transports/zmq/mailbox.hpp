#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort_zmq {

/// Work for the hub's thread from other threads. The callbacks of streams keep it alive longer than the hub.
class Mailbox {
 public:
  Mailbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  /// Any thread; does not block.
  void post(std::function<void()> work) {
    bool wake;
    {
      const cohort::detail::MutexLock lock(mutex_);
      wake = posted_.empty();
      posted_.push_back(std::move(work));
    }
    if (wake) static_cast<void>(::eventfd_write(event_.get(), 1));
  }

  /// Readable when there is work.
  int descriptor() const { return event_.get(); }

  /// The hub's thread.
  std::vector<std::function<void()>> take() {
    eventfd_t ignored;
    static_cast<void>(::eventfd_read(event_.get(), &ignored));
    const cohort::detail::MutexLock lock(mutex_);
    return std::exchange(posted_, {});
  }

 private:
  const cohort::FileDescriptor event_;
  cohort::detail::Mutex mutex_;
  std::vector<std::function<void()>> posted_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort_zmq
