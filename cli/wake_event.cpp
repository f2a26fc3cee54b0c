#include "wake_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cohort::cli {

WakeEvent::WakeEvent() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "cannot wait for events (ulimit -n?)");
}

WakeEvent::~WakeEvent() { close(descriptor_); }

void WakeEvent::wake() { eventfd_write(descriptor_, 1); }

void WakeEvent::clear() {
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
}

}  // namespace cohort::cli
