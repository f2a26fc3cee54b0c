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

/// Waits for one half, or for a listener: polls its descriptor, or waits for its callback where it has none.
class Readiness {
 public:
  /// @param subscribe called at once with the callback, if there is no descriptor.
  Readiness(int descriptor, short events, const std::function<void(std::function<void()>)>& subscribe);

  /// Forgets what was told before: call it before each try.
  void reset();
  /// @return false: not by the deadline.
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

/// One end of a connection, used as a node does: a try, and after -EAGAIN a wait for the word that the next is worth
/// it. The two halves may be used by two threads at once.
class StreamEnd {
 public:
  explicit StreamEnd(IoPair pair);

  Reader& reader() { return *pair_.reader; }
  Writer& writer() { return *pair_.writer; }

  /// Some bytes; 0 at the end; a negative errno value. -ETIMEDOUT: neither within `limit`.
  ssize_t read_some(std::span<std::byte> buffer, Duration limit = patience);
  /// All of them. @return 0 or a negative errno value.
  ssize_t write_all(std::span<const std::byte> bytes, Duration limit = patience);
  ssize_t write_all(std::string_view text, Duration limit = patience);

  /// Exactly `size` bytes, fewer at the end of the stream; what went wrong in angle brackets.
  std::string receive(std::size_t size, Duration limit = patience);
  /// Everything up to the end.
  std::string receive_all() { return receive(std::string::npos); }
  /// Reads on until the peer's side is over, by an orderly end or by an error. @return false: it never is.
  bool ends(Duration limit = patience);

  /// Before a write whose -EAGAIN is to be followed by wait_writable().
  void reset_writable() { writable_.reset(); }
  bool wait_writable(Duration limit = patience);

 private:
  IoPair pair_;
  Readiness readable_;
  Readiness writable_;
};

}  // namespace cohort::contract
