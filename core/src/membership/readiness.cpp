#include "membership/readiness.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include <cohort/error.hpp>

#include "base/text.hpp"

namespace cohort {

Readiness::Readiness() : signal_(std::make_shared<Signal>(FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)))) {
  if (!signal_->descriptor) throw Error("cannot make an eventfd: " + errno_text(errno), ErrorKind::overloaded);
}

void Readiness::Signal::set() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(descriptor.get(), &one, sizeof one);  // full: it is set already
}

void Readiness::tell(IoPair& pair) {
  if (pair.reader->descriptor() < 0) pair.reader->on_readable([signal = signal_] { signal->set(); });
  if (pair.writer->descriptor() < 0) pair.writer->on_writable([signal = signal_] { signal->set(); });
}

void Readiness::tell(Listener& listener) {
  if (listener.descriptor() < 0) listener.on_acceptable([signal = signal_] { signal->set(); });
}

void Readiness::wait(Clock::time_point deadline) {
  watch_input(signal_->descriptor.get());
  ::poll(watched_.data(), watched_.size(), deadline == Clock::time_point::max() ? -1 : poll_timeout(deadline));
  watched_.clear();
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(signal_->descriptor.get(), &count, sizeof count);
}

}  // namespace cohort
