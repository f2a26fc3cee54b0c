#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <cohort/contract/eventually.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/transport.hpp>

namespace cohort::contract {

/// Waits for one half of a stream, or for a listener: polls its descriptor, or, if it has none, waits for its callback.
class Readiness {
 public:
  /// @param subscribe called at once with the callback, if there is no descriptor.
  Readiness(int descriptor, short events, const std::function<void(std::function<void()>)>& subscribe);

  /// Forgets earlier signals: call it before each attempt.
  void reset();
  /// Waits for a signal. @return false if there was none before the deadline.
  bool wait(Clock::time_point deadline);

 private:
  struct Signal {
    detail::Mutex mutex;
    detail::ConditionVariable changed;
    bool told COHORT_GUARDED_BY(mutex) = false;
  };
  const int descriptor_;
  const short events_;
  const std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
};

/// One end of a connection, used in the same way as by a node: it tries, and after -EAGAIN it waits for the signal to
/// try again. Two threads may use the two halves at the same time.
class StreamEnd {
 public:
  explicit StreamEnd(IoPair pair);

  Reader& reader() { return *pair_.reader; }
  Writer& writer() { return *pair_.writer; }

  /// Reads some bytes, and returns their number; 0 at the end; else a negative errno value. -ETIMEDOUT: nothing
  /// happened within `limit`.
  ssize_t read_some(std::span<std::byte> buffer, Duration limit = patience);
  /// Writes all bytes. @return 0 or a negative errno value.
  ssize_t write_all(std::span<const std::byte> bytes, Duration limit = patience);
  ssize_t write_all(std::string_view text, Duration limit = patience);

  /// Returns exactly `size` bytes, or fewer at the end of the stream; an error is appended in angle brackets.
  std::string receive(std::size_t size, Duration limit = patience);
  /// Returns all bytes up to the end.
  std::string receive_all() { return receive(std::string::npos); }
  /// Reads until the peer's side ends, regularly or with an error. @return false if it does not end within `limit`.
  bool ends(Duration limit = patience);

  /// Call it before a write() if you want to call wait_writable() after -EAGAIN.
  void reset_writable() { writable_.reset(); }
  bool wait_writable(Duration limit = patience);

 private:
  IoPair pair_;
  Readiness readable_;
  Readiness writable_;
};

}  // namespace cohort::contract
