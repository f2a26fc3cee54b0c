#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// A binary semaphore on which one thread sleeps. Tokens coalesce, and a stale one may arrive, so callers must check
/// their condition again in a loop. Parkers of waiting threads are recycled and never freed, because a late unpark()
/// may touch a parker whose wait ended long ago.
class Parker {
 public:
  /// Sleeps until a token arrives or the deadline passes.
  void park(Clock::time_point deadline = Clock::time_point::max());
  void unpark();

  /// Has every thread that waits in of_this_thread() check its condition again.
  static void unpark_all();

  /// The calling thread's own.
  static Parker& of_this_thread();

 private:
  enum State : std::uint32_t { nothing, token, asleep };
  std::atomic<std::uint32_t> state_{nothing};
};

/// Threads to wake, collected under a lock and woken after it is released.
class Wakes {
 public:
  Wakes() = default;
  Wakes(const Wakes&) = delete;
  Wakes& operator=(const Wakes&) = delete;
  ~Wakes() { fire(); }

  void add(Parker& parker) {
    if (first_ == nullptr)
      first_ = &parker;
    else
      rest_.push_back(&parker);
  }
  bool empty() const { return first_ == nullptr; }
  void fire() {
    if (first_ == nullptr) return;
    first_->unpark();
    first_ = nullptr;
    for (Parker* parker : rest_) parker->unpark();
    rest_.clear();
  }

 private:
  Parker* first_ = nullptr;  // nearly always the only one: no allocation
  std::vector<Parker*> rest_;
};

}  // namespace cohort
