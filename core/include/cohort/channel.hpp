#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cohort/detail/channels.hpp>
#include <cohort/detail/checked.hpp>
#include <cohort/error.hpp>
#include <cohort/future.hpp>

namespace cohort {

namespace detail {

template <class T>
const ChannelPtr& state_of(const Channel<T>& channel) {
  return channel.checked();
}

/// Iterates by taking: ends when the channel is closed and has nothing left.
template <class C>
class TakingIterator {
 public:
  using value_type = typename C::value_type;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  TakingIterator() = default;
  explicit TakingIterator(C channel) : channel_(std::move(channel)) { ++*this; }
  value_type& operator*() const { return *item_; }
  TakingIterator& operator++() {
    item_.reset();
    try {
      item_.emplace(channel_.take());
    } catch (const ChannelClosedError&) {  // the regular end
    }
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !item_.has_value(); }

 private:
  C channel_;
  mutable std::optional<value_type> item_;
};

template <class T>
T value_of(ChannelItem&& item) {
  T& value = *static_cast<T*>(item.object.get());
  if constexpr (std::is_copy_constructible_v<T>) {
    if (item.shared) return value;
  }
  return std::move(value);
}

template <class T, class V>
ChannelItem item_of(V&& value) {
  return {std::make_shared<T>(std::forward<V>(value))};
}

}  // namespace detail

/// A queue between threads of one process: first in, first out, also among those who wait. Copies are handles on the
/// same channel. It cannot travel to another process: see RemoteChannel. Any thread.
///
/// Every operation that waits takes a last argument `{.deadline = 5s, .stop_token = token}` and throws TimeoutError,
/// CancelledException or InterruptedException when it is called off. It has had no effect then: one that could not be
/// called off in time succeeds, so no item is lost. A function that waits gives its slot away.
/// Once closed, waits throw ChannelClosedError, or what it was closed with: a put at once, the others when nothing is
/// left.
template <class T>
class Channel {
 public:
  using value_type = T;

  /// @param capacity how many items it keeps before a put waits. 0: a put waits until its item is taken. `unlimited`.
  explicit Channel(std::size_t capacity) : channel_(detail::make_channel(capacity)) {}
  Channel() = default;  ///< no channel at all; only to be assigned to

  bool valid() const { return channel_ != nullptr; }

  /// Adds an item at the end; waits for room. @return this channel.
  const Channel& put(T value, const WaitOptions& options = {}) const {
    detail::channel_put(checked(), detail::item_of<T>(std::move(value)), options);
    return *this;
  }
  /// Removes the first item; waits for one.
  T take(const WaitOptions& options = {}) const {
    return detail::value_of<T>(detail::channel_take(checked(), options));
  }
  /// The first item, which stays; waits for one.
  T fetch(const WaitOptions& options = {}) const requires std::is_copy_constructible_v<T> {
    const auto item = detail::channel_fetch(checked(), options);
    return *static_cast<const T*>(item.object.get());
  }
  /// Waits until there is an item. @return this channel.
  const Channel& wait(const WaitOptions& options = {}) const {
    detail::channel_wait(checked(), options);
    return *this;
  }

  /// Without waiting. @return whether there was room.
  bool try_put(T value) const { return detail::channel_try_put(checked(), detail::item_of<T>(std::move(value))); }
  /// Without waiting.
  std::optional<T> try_take() const {
    detail::ChannelItem item;
    if (!detail::channel_try_take(checked(), item)) return std::nullopt;
    return detail::value_of<T>(std::move(item));
  }

  /// Whether a take would not wait.
  bool isready() const { return detail::channel_status(checked()).ready; }
  bool isempty() const { return !isready(); }
  /// Items that it keeps; what waiting puts hold is not counted.
  std::size_t size() const { return detail::channel_status(checked()).size; }
  bool is_open() const { return detail::channel_status(checked()).open; }

  /// No more puts; those that wait fail. What is there can still be taken. Closing it again does nothing.
  void close() const { detail::channel_close(checked(), nullptr); }
  /// The same, and who comes too late gets this exception.
  void close(std::exception_ptr reason) const { detail::channel_close(checked(), std::move(reason)); }

  /// `for (T& item : channel)` takes items until the channel is closed. @throws what it was closed with, if anything.
  auto begin() const { return detail::TakingIterator<Channel>(*this); }
  std::default_sentinel_t end() const { return {}; }

  friend bool operator==(const Channel&, const Channel&) = default;

 private:
  friend const detail::ChannelPtr& detail::state_of<T>(const Channel<T>&);
  const detail::ChannelPtr& checked() const { return detail::checked(channel_, "Channel"); }
  detail::ChannelPtr channel_;
};

/// Closes the channel when the future is ready: with what it failed with, if it did. Channel or RemoteChannel.
template <class C, class R>
void bind(const C& channel, const Future<R>& task) {
  detail::future_on_ready(*detail::state_of(task), [channel, task] {
    try {
      task.wait();
    } catch (...) {
      return channel.close(std::current_exception());
    }
    channel.close();
  });
}

}  // namespace cohort
