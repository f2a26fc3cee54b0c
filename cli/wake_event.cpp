#include "wake_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include <cohort/error.hpp>

#include "base/text.hpp"

namespace cohort::cli {

WakeEvent::WakeEvent() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw Error("cannot make an eventfd: " + errno_text(errno), ErrorKind::overloaded);
}

WakeEvent::~WakeEvent() { close(descriptor_); }

void WakeEvent::wake() { eventfd_write(descriptor_, 1); }

void WakeEvent::clear() {
  eventfd_t count = 0;
  eventfd_read(descriptor_, &count);
}

}  // namespace cohort::cli
