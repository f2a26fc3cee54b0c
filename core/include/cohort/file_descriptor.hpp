#pragma once

#include <unistd.h>

#include <chrono>
#include <climits>
#include <utility>

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// Owns one descriptor, and closes it in its destructor. Movable.
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
  /// Returns the descriptor and gives up its ownership: the caller must close it.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
  /// Closes the present descriptor, and owns `descriptor` instead.
  void reset(int descriptor = -1) noexcept {
    const int old = std::exchange(descriptor_, descriptor);
    if (old >= 0) ::close(old);
  }

 private:
  int descriptor_ = -1;
};

/// Returns the time until `deadline` as the timeout of poll(): milliseconds, rounded up; 0 if it has passed; at most
/// INT_MAX (about 24 days; the caller must then call again).
inline int poll_timeout(Clock::time_point deadline) {
  const auto now = Clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count();
  return left < INT_MAX ? static_cast<int>(left + 1) : INT_MAX;
}

}  // namespace cohort
