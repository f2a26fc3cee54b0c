#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/abstract_channel.hpp>
#include <cohort/channel.hpp>
#include <cohort/detail/bound.hpp>
#include <cohort/remote_store.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

template <class T>
using CustomChannel = RemoteStore<AbstractChannel<T>>;

template <class T>
struct MakeCustomChannel {
  template <class F>
  CustomChannel<T> operator()(F factory) const {
    return CustomChannel<T>(factory());
  }
};

}  // namespace detail

/// An item that RemoteChannel::take_leased() took: the channel keeps it until acknowledge() is called. If the object is
/// destroyed without that, or its process dies or loses its connection to the owner, the item goes back to the front of
/// the channel, and another process gets it. So each item is dealt with at least once. An item can be dealt with twice
/// if the process dies between its work and the acknowledgement.
///
///     while (true) {
///       auto job = jobs.take_leased();    // throws ChannelClosedError when all jobs are done
///       results.put(work(*job));
///       job.acknowledge();
///     }
///
/// One thread at a time uses it.
template <class T>
class Leased {
 public:
  Leased(Leased&&) noexcept = default;
  Leased& operator=(Leased&& other) noexcept {
    if (this != &other) end(true);
    channel_ = std::move(other.channel_);
    lease_ = other.lease_;
    item_ = std::move(other.item_);
    return *this;
  }
  ~Leased() { end(true); }

  T& operator*() { return item_; }
  const T& operator*() const { return item_; }
  T* operator->() { return &item_; }
  const T* operator->() const { return &item_; }

  /// Says that the item was dealt with: the channel forgets it. Does not wait, and does nothing the second time. If it
  /// is lost with its connection, the item goes back to the channel.
  void acknowledge() noexcept { end(false); }

 private:
  friend class RemoteChannel<T>;
  Leased(detail::RemoteChannelPtr channel, std::uint64_t lease, T item)
      : channel_(std::move(channel)), lease_(lease), item_(std::move(item)) {}
  void end(bool back) noexcept {
    if (channel_ != nullptr) detail::remote_channel_end_lease(std::exchange(channel_, nullptr), lease_, back);
  }

  detail::RemoteChannelPtr channel_;  // null: the lease has ended
  std::uint64_t lease_;
  T item_;
};

/// A handle on a first-in, first-out queue in one process, its owner; every process can put and take, and waiting
/// operations are served in that order too. Copies are handles on the same channel, also in arguments and results; the
/// channel is freed with the last handle. Items are encoded when they are put, also on the owner: later changes of the
/// value have no effect. Any thread may use it.
///
/// A waiting take or put occupies no thread of the owner, and the owner serves its channels even while its functions
/// compute. Every operation that waits has a last argument `{.deadline = 5s, .stop_token = token}`. It throws
/// TimeoutError at the deadline, CancelledException when a stop is requested, and InterruptedException when the call is
/// interrupted; then it has had no effect. If the operation completes before it can be stopped, it succeeds, so no item
/// is lost. When a process dies, its waiting operations are cancelled as soon as the owner learns of the death; later
/// items are left for others.
/// On a closed channel, put() throws ChannelClosedError, or the exception with which the channel was closed; the other
/// operations throw it when no items are left. All operations throw ProcessExitedException when the owner is gone.
template <class T>
class RemoteChannel {
 public:
  using value_type = T;

  /// @param capacity how many items it stores before a put waits. 0: a put waits until its item is taken. `unlimited`:
  /// a put never waits.
  explicit RemoteChannel(std::size_t capacity, Pid owner = myid())
      : channel_(detail::make_remote_channel(capacity, owner)) {}
  /// A channel with a store of the program's own: calls `factory()` on `owner`, which returns a pointer to an
  /// AbstractChannel<T>. When a wait ends early, its function on the owner is interrupted, as by
  /// RemoteStore::call_with(). The promises of this class hold if the store's functions wait in cohort's functions.
  template <class F>
  requires std::convertible_to<std::invoke_result_t<F&>, std::shared_ptr<AbstractChannel<T>>>
  explicit RemoteChannel(F factory, Pid owner = myid())
      : custom_(remotecall_fetch(detail::bound<detail::MakeCustomChannel<T>>(std::move(factory)), owner)) {}
  RemoteChannel() = default;  ///< an empty handle; assign a channel to it before use

  bool valid() const { return channel_ != nullptr || is_custom(); }
  Pid owner() const { return is_custom() ? custom_.owner() : detail::remote_channel_owner(*checked()); }

  /// Waits for room, and adds an item at the end. @return this channel.
  const RemoteChannel& put(const T& value, const WaitOptions& options = {}) const {
    if (is_custom())
      custom<&AbstractChannel<T>::put>(options, value);
    else
      detail::remote_channel_put(checked(), encode(value), options);
    return *this;
  }
  /// Waits for an item, removes the first one, and returns it.
  T take(const WaitOptions& options = {}) const {
    if (is_custom()) return custom<&AbstractChannel<T>::take>(options);
    return decode<T>(*detail::remote_channel_take(checked(), options));
  }
  /// As take(), but the channel keeps the item until the result is acknowledged, and gives it to another process if
  /// this one dies before that. While items are leased, a closed channel is not at its end. size() does not count them.
  /// If the decoding of the item throws, it goes back.
  /// @throws Error for a channel with a store of the program's own.
  Leased<T> take_leased(const WaitOptions& options = {}) const {
    const auto& channel = checked("take_leased");
    const auto leased = detail::remote_channel_lease(channel, options);
    try {
      return Leased<T>(channel, leased.lease, decode<T>(*leased.item));
    } catch (...) {
      detail::remote_channel_end_lease(channel, leased.lease, true);
      throw;
    }
  }
  /// Waits for an item, and returns a copy of the first one, which stays in the channel.
  T fetch(const WaitOptions& options = {}) const {
    if (is_custom()) return custom<&AbstractChannel<T>::fetch>(options);
    return decode<T>(*detail::remote_channel_fetch(checked(), options));
  }
  /// Waits until there is an item. @return this channel.
  const RemoteChannel& wait(const WaitOptions& options = {}) const {
    if (is_custom())
      custom<&AbstractChannel<T>::wait>(options);
    else
      detail::remote_channel_wait(checked(), options);
    return *this;
  }

  /// Puts items in their order, much faster than one by one. If it throws, some of the first items may be in the
  /// channel. @throws Error for a channel with a store of the program's own; so do take_some() and bind().
  void put_all(const std::vector<T>& values, const WaitOptions& options = {}) const {
    std::vector<Payload> items;
    items.reserve(values.size());
    for (const auto& value : values) items.push_back(encode(value));
    detail::remote_channel_put_all(checked("put_all"), std::move(items), options);
  }
  /// Waits for an item, unless `most` is 0, removes the first items, at most `most`, and returns them. If this process
  /// dies before it has used them, they are lost. If the decoding of one item throws, all of them are lost (with take()
  /// only that one).
  std::vector<T> take_some(std::size_t most, const WaitOptions& options = {}) const {
    std::vector<T> values;
    for (const auto& item : detail::remote_channel_take_some(checked("take_some"), most, options)) {
      values.push_back(decode<T>(*item));
    }
    return values;
  }

  /// Whether take() would return without waiting.
  bool is_ready() const { return is_custom() ? custom<&AbstractChannel<T>::is_ready>({}) : status().ready; }
  bool is_empty() const { return !is_ready(); }
  /// Number of stored items; items of waiting puts are not counted.
  std::size_t size() const { return is_custom() ? custom<&AbstractChannel<T>::size>({}) : status().size; }
  bool is_open() const { return is_custom() ? custom<&AbstractChannel<T>::is_open>({}) : status().open; }

  /// Closes the channel: later and waiting puts fail; stored items can still be taken. Does nothing if it is closed.
  void close() const { close(nullptr); }
  /// Closes the channel as close(); operations then throw `reason`: itself on the owner, as the cause of a
  /// RemoteException in other processes.
  void close(std::exception_ptr reason) const {
    if (!is_custom()) return detail::remote_channel_close(checked(), std::move(reason));
    Future<void> why;  // an exception travels as a future that failed with it
    if (reason != nullptr) {
      why = Future<void>(detail::make_future(no_pid));
      detail::future_fail(*detail::state_of(why), std::move(reason));
    }
    remotecall_fetch(
        [](const detail::CustomChannel<T>& channel, const Future<void>& closed_by) {
          if (!closed_by.valid()) return channel.local()->close(nullptr);
          try {
            closed_by.wait();
          } catch (...) {
            channel.local()->close(std::current_exception());
          }
        },
        owner(), custom_, why);
  }
  /// Closes the channel with a ProcessExitedException when process `pid` is gone: nobody then waits for items that this
  /// process would have produced.
  void bind(Pid pid) const { detail::remote_channel_bind(checked("bind"), pid); }

  /// `for (const T& item : channel)` takes items until the channel is closed and empty. @throws the exception with
  /// which it was closed, if there is one.
  auto begin() const { return detail::TakingIterator<RemoteChannel>(*this); }
  std::default_sentinel_t end() const { return {}; }

  friend bool operator==(const RemoteChannel&, const RemoteChannel&) = default;

  void save(OutArchive& archive) const {
    detail::remote_channel_save(archive, channel_);
    archive(custom_);
  }
  void load(InArchive& archive) {
    channel_ = detail::remote_channel_load(archive);
    archive(custom_);
  }

 private:
  bool is_custom() const { return custom_.valid(); }
  template <auto Function, class... A>
  auto custom(const WaitOptions& options, const A&... arguments) const {
    try {
      return custom_.template call_with<Function>(options, arguments...);
    } catch (const RemoteException&) {
      detail::rethrow_channel_failure();
    }
  }
  detail::ChannelStatus status() const { return detail::remote_channel_status(checked()); }
  const detail::RemoteChannelPtr& checked() const { return detail::checked(channel_, "RemoteChannel"); }
  const detail::RemoteChannelPtr& checked(const char* operation) const {
    if (is_custom()) detail::throw_custom_channel(operation);
    return checked();
  }

  // Exactly one of these is set, unless the handle is empty.
  detail::RemoteChannelPtr channel_;
  detail::CustomChannel<T> custom_;
};

/// Calls channel.bind(pid).
template <class T>
void bind(const RemoteChannel<T>& channel, Pid pid) {
  channel.bind(pid);
}

}  // namespace cohort
