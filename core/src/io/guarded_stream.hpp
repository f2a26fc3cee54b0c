#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>

#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>

namespace cohort {

// The boundary between the core and the streams of a plugin: the core calls a Reader or a Writer only through these
// classes. They catch every exception of a stream, and every return value that its interface does not allow. From then
// on the half is faulty: its functions return -EPROTO without calling the plugin, and fault() returns "<plugin>:
// <what>".

/// What both halves have in common.
class GuardedHalf {
 public:
  /// Returns what the plugin did wrong; "" if nothing. May be called from any thread.
  std::string fault() const;

 protected:
  /// Records the exception that is being handled, which a member function of `object`'s type has thrown.
  void blame_exception(const std::type_info* object) noexcept;
  void blame(const std::type_info* object, const std::string& what) noexcept;
  bool faulty() const { return faulty_.load(std::memory_order_relaxed); }

 private:
  mutable detail::Mutex mutex_;
  std::string fault_ COHORT_GUARDED_BY(mutex_);  // the first one counts
  std::atomic<bool> faulty_{false};
};

class GuardedReader final : public GuardedHalf {
 public:
  explicit GuardedReader(std::unique_ptr<Reader> reader) noexcept;
  /// Reads up to buffer.size() bytes; returns 0 and negative numbers like Reader::read(), and -EPROTO once it is
  /// faulty.
  ssize_t read(std::span<std::byte> buffer) noexcept;
  /// The first result of Reader::descriptor().
  int descriptor() const { return descriptor_; }
  /// @return false: it is faulty.
  bool on_readable(std::function<void()> ready) noexcept;
  void close() noexcept;

 private:
  const std::unique_ptr<Reader> reader_;
  int descriptor_ = -1;
};

class GuardedWriter final : public GuardedHalf {
 public:
  explicit GuardedWriter(std::unique_ptr<Writer> writer) noexcept;
  /// Writes at least one byte of the parts (they must not be empty) and at most all, and returns the number; negative
  /// numbers like Writer::write(), and -EPROTO once it is faulty.
  ssize_t write(std::span<const iovec> parts) noexcept;
  /// What Writer::descriptor() said at the beginning.
  int descriptor() const { return descriptor_; }
  /// @return false: it is faulty.
  bool on_writable(std::function<void()> ready) noexcept;
  void close() noexcept;

 private:
  const std::unique_ptr<Writer> writer_;
  int descriptor_ = -1;
};

}  // namespace cohort
