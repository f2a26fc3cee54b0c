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

namespace COHORT_EXPORT cohort {

namespace detail {

template <class T>
const ChannelPtr& state_of(const Channel<T>& channel) {
  return channel.checked();
}

/// Iterates by taking items; ends when the channel is closed and has no items left.
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

/// A first-in, first-out queue between threads of one process; waiting threads are served in that order too. Copies are
/// handles on the same channel. It cannot be sent to another process: see RemoteChannel. Any thread may use it.
///
/// Every operation that waits has a last argument `{.deadline = 5s, .stop_token = token}`. It throws TimeoutError at
/// the deadline, CancelledException when a stop is requested, and InterruptedException when the call is interrupted;
/// then it has had no effect. If the operation completes before it can be stopped, it succeeds, so no item is lost.
/// While a function waits, the next one can run in its slot. On a closed channel, put() throws ChannelClosedError, or
/// the exception with which the channel was closed; the other operations throw it when no items are left.
template <class T>
class Channel {
 public:
  using value_type = T;

  /// @param capacity how many items it stores before a put waits. 0: a put waits until its item is taken. `unlimited`:
  /// a put never waits.
  explicit Channel(std::size_t capacity) : channel_(detail::make_channel(capacity)) {}
  Channel() = default;  ///< an empty handle; assign a channel to it before use

  bool valid() const { return channel_ != nullptr; }

  /// Waits for room, and adds an item at the end. @return this channel.
  const Channel& put(T value, const WaitOptions& options = {}) const {
    detail::channel_put(checked(), detail::item_of<T>(std::move(value)), options);
    return *this;
  }
  /// Waits for an item, removes the first one, and returns it.
  T take(const WaitOptions& options = {}) const {
    return detail::value_of<T>(detail::channel_take(checked(), options));
  }
  /// Waits for an item, and returns a copy of the first one, which stays in the channel.
  T fetch(const WaitOptions& options = {}) const requires std::is_copy_constructible_v<T> {
    const auto item = detail::channel_fetch(checked(), options);
    return *static_cast<const T*>(item.object.get());
  }
  /// Waits until there is an item. @return this channel.
  const Channel& wait(const WaitOptions& options = {}) const {
    detail::channel_wait(checked(), options);
    return *this;
  }

  /// Adds an item if there is room; does not wait. @return whether there was room. @throws as put() if it is closed.
  bool try_put(T value) const { return detail::channel_try_put(checked(), detail::item_of<T>(std::move(value))); }
  /// Removes the first item if there is one; does not wait. @throws as take() if it is closed and empty.
  std::optional<T> try_take() const {
    detail::ChannelItem item;
    if (!detail::channel_try_take(checked(), item)) return std::nullopt;
    return detail::value_of<T>(std::move(item));
  }

  /// Whether take() would return without waiting.
  bool is_ready() const { return detail::channel_status(checked()).ready; }
  bool is_empty() const { return !is_ready(); }
  /// Number of stored items; items of waiting puts are not counted.
  std::size_t size() const { return detail::channel_status(checked()).size; }
  bool is_open() const { return detail::channel_status(checked()).open; }

  /// Closes the channel: later and waiting puts fail; stored items can still be taken. Does nothing if it is closed.
  void close() const { detail::channel_close(checked(), nullptr); }
  /// Closes the channel as close(); operations then throw `reason` instead of ChannelClosedError.
  void close(std::exception_ptr reason) const { detail::channel_close(checked(), std::move(reason)); }

  /// `for (T& item : channel)` takes items until the channel is closed and empty. @throws the exception with which it
  /// was closed, if there is one.
  auto begin() const { return detail::TakingIterator<Channel>(*this); }
  std::default_sentinel_t end() const { return {}; }

  friend bool operator==(const Channel&, const Channel&) = default;

 private:
  friend const detail::ChannelPtr& detail::state_of<T>(const Channel<T>&);
  const detail::ChannelPtr& checked() const { return detail::checked(channel_, "Channel"); }
  detail::ChannelPtr channel_;
};

/// Closes a Channel or RemoteChannel when the future is ready; if the future failed, with its exception.
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
