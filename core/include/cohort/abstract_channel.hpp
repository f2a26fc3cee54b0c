#pragma once

#include <cohort/detail/language.hpp>

#include <cstddef>
#include <exception>

namespace cohort {

/// What a program may put behind a RemoteChannel<T> instead of a queue: a stack, a priority queue, a table on disk. It
/// lives on one process; its functions are called there by the calls of many processes at once, on pool threads. One
/// that waits should do so by a cohort function (a Channel, a Future), which gives the thread's slot away.
template <class T>
class AbstractChannel {
 public:
  virtual ~AbstractChannel() = default;
  virtual void put(T value) = 0;
  virtual T take() = 0;
  virtual T fetch() = 0;
  virtual void wait() = 0;
  virtual bool isready() = 0;
  virtual std::size_t size() = 0;
  virtual bool is_open() = 0;
  /// @param reason null, or what those who come too late are to be thrown; else ChannelClosedError.
  virtual void close(std::exception_ptr reason) = 0;
};

}  // namespace cohort
