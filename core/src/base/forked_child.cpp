#include "base/forked_child.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdint>

#include <cohort/error.hpp>

#include "base/log.hpp"

namespace cohort {
namespace {
std::atomic<bool> forked{false};
void (*call_in_child)() = nullptr;

// One bit for each descriptor; those beyond are not treated. Memory that is not used costs nothing.
constexpr int most_treated = 1 << 20;
std::atomic<std::uint64_t> to_close[most_treated / 64];

// The number stays taken: the copies of our objects, which nobody destroys, still have it.
void close_in_child() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int word = 0; nothing >= 0 && word < most_treated / 64; ++word) {
    for (std::uint64_t bits = to_close[word].load(std::memory_order_relaxed); bits != 0; bits &= bits - 1)
      ::dup3(nothing, word * 64 + std::countr_zero(bits), O_CLOEXEC);
  }
  if (nothing >= 0) ::close(nothing);
}
}  // namespace

bool is_forked_child() noexcept { return forked.load(std::memory_order_relaxed); }

void refuse_in_forked_child() {
  if (!is_forked_child()) return;
  throw Error(
      "this process was forked from one that belongs to a cluster, and does not belong to it itself: it can compute, "
      "execute another program, or end by _exit()");
}

void end_if_forked_child() {
  if (!is_forked_child()) return;
  log_error(
      "a function returned in a process that it had forked. Such a process ends by _exit() or executes another "
      "program; it is ended here, and the function goes on in its own process alone");
  _exit(1);
}

ClosedInForkedChildren::ClosedInForkedChildren(int descriptor) : descriptor_(descriptor) {
  if (descriptor_ < 0 || descriptor_ >= most_treated) return;
  to_close[descriptor_ / 64].fetch_or(std::uint64_t{1} << descriptor_ % 64, std::memory_order_relaxed);
}

ClosedInForkedChildren::~ClosedInForkedChildren() {
  if (descriptor_ < 0 || descriptor_ >= most_treated) return;
  to_close[descriptor_ / 64].fetch_and(~(std::uint64_t{1} << descriptor_ % 64), std::memory_order_relaxed);
}

void watch_forks(void (*in_child)()) {
  call_in_child = in_child;
  pthread_atfork(nullptr, nullptr, [] {
    forked.store(true, std::memory_order_relaxed);
    close_in_child();
    call_in_child();
  });
}

}  // namespace cohort
