#pragma once

#include <cohort/detail/language.hpp>

#include <cstddef>
#include <exception>

namespace COHORT_EXPORT cohort {

/// A store that a program may use behind a RemoteChannel<T> instead of a queue: a stack, a priority queue, a table on
/// disk. The object lives in one process. Calls of many processes run its functions there at the same time, on pool
/// threads. A function should wait only in a cohort function (a Channel, a Future): other functions run meanwhile.
template <class T>
class AbstractChannel {
 public:
  virtual ~AbstractChannel() = default;
  virtual void put(T value) = 0;
  virtual T take() = 0;
  virtual T fetch() = 0;
  virtual void wait() = 0;
  virtual bool is_ready() = 0;
  virtual std::size_t size() = 0;
  virtual bool is_open() = 0;
  /// @param reason what later operations throw; null: ChannelClosedError.
  virtual void close(std::exception_ptr reason) = 0;
};

}  // namespace cohort
