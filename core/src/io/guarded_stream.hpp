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

// The edge between the core and the streams that a plugin made: the core calls a Reader or a Writer through these only.
// Whatever a stream throws, and every answer that its interface does not allow, ends here. The half is faulty from then
// on: its functions answer -EPROTO without another call of the plugin, and fault() says "<plugin>: <what>".

/// What both halves have in common.
class GuardedHalf {
 public:
  /// What the plugin did wrong; "": nothing. Any thread.
  std::string fault() const;

 protected:
  /// Of the exception in flight, thrown by a member function of `object`'s type.
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
  /// Up to buffer.size() bytes; 0 and negative numbers as Reader::read() says, -EPROTO once it is faulty.
  ssize_t read(std::span<std::byte> buffer) noexcept;
  /// What Reader::descriptor() said at the beginning.
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
  /// At least one byte of the parts, which have some, and at most all; negative numbers as Writer::write() says,
  /// -EPROTO once it is faulty.
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
