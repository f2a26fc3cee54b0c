#pragma once

#include <unistd.h>

#include <chrono>
#include <climits>
#include <utility>

#include <cohort/types.hpp>

namespace cohort {

/// Owns one descriptor and closes it at the end. Movable.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const noexcept { return descriptor_; }
  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  /// Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
  /// Closes what is held and holds `descriptor` instead.
  void reset(int descriptor = -1) noexcept {
    const int old = std::exchange(descriptor_, descriptor);
    if (old >= 0) ::close(old);
  }

 private:
  int descriptor_ = -1;
};

/// The time left until `deadline` as poll() takes it: milliseconds rounded up, 0 when it has passed, and at most
/// INT_MAX (some 24 days; then the caller looks again).
inline int poll_timeout(Clock::time_point deadline) {
  const auto now = Clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count();
  return left < INT_MAX ? static_cast<int>(left + 1) : INT_MAX;
}

}  // namespace cohort
