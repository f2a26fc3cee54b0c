#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/abstract_channel.hpp>
#include <cohort/channel.hpp>
#include <cohort/detail/bound.hpp>
#include <cohort/remote_store.hpp>

namespace cohort {

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

/// A handle on a queue that lives in one process, its owner; every process can put and take: first in, first out, also
/// among those who wait. Copies are handles on the same channel, in arguments and results too; it goes with the last.
/// Items are encoded as they are put: what happens to the value afterwards changes nothing, also on the owner.
/// Any thread.
///
/// A take or put that waits costs the owner no thread, and a computing owner serves its channels. Waits take a last
/// argument `{.deadline = 5s, .stop_token = token}` and throw TimeoutError, CancelledException or InterruptedException
/// when they are called off. They have had no effect then: one that could not be called off in time succeeds, so no
/// item is lost. The wait of a process that dies is called off when the owner hears of the death: what comes after that
/// is for others.
/// Once closed, waits throw ChannelClosedError, or what it was closed with: a put at once, the others when nothing is
/// left. All operations throw ProcessExitedException when the owner is gone.
template <class T>
class RemoteChannel {
 public:
  using value_type = T;

  /// @param capacity how many items it keeps before a put waits. 0: a put waits until its item is taken. `unlimited`.
  explicit RemoteChannel(std::size_t capacity, Pid owner = myid())
      : channel_(detail::make_remote_channel(capacity, owner)) {}
  /// A channel of the program's own kind: what `factory()` returns on `owner`, a pointer to an AbstractChannel<T>. A
  /// wait that is called off interrupts its function there, as RemoteStore::call_with() does: the promises below hold
  /// for functions that wait by cohort's functions.
  template <class F>
  requires std::convertible_to<std::invoke_result_t<F&>, std::shared_ptr<AbstractChannel<T>>>
  explicit RemoteChannel(F factory, Pid owner = myid())
      : custom_(remotecall_fetch(detail::bound<detail::MakeCustomChannel<T>>(std::move(factory)), owner)) {}
  RemoteChannel() = default;  ///< no channel at all; only to be assigned to

  bool valid() const { return channel_ != nullptr || is_custom(); }
  Pid owner() const { return is_custom() ? custom_.owner() : detail::remote_channel_owner(*checked()); }

  /// Adds an item at the end; waits for room. @return this channel.
  const RemoteChannel& put(const T& value, const WaitOptions& options = {}) const {
    if (is_custom())
      custom<&AbstractChannel<T>::put>(options, value);
    else
      detail::remote_channel_put(checked(), encode(value), options);
    return *this;
  }
  /// Removes the first item; waits for one.
  T take(const WaitOptions& options = {}) const {
    if (is_custom()) return custom<&AbstractChannel<T>::take>(options);
    return decode<T>(*detail::remote_channel_take(checked(), options));
  }
  /// The first item, which stays; waits for one.
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

  /// Puts items in their order, far faster than one by one. When it throws, the first of them may be in the channel.
  /// @throws Error for a channel of the program's own kind; so do take_some() and bind().
  void put_all(const std::vector<T>& values, const WaitOptions& options = {}) const {
    std::vector<Payload> items;
    items.reserve(values.size());
    for (const auto& value : values) items.push_back(encode(value));
    detail::remote_channel_put_all(checked("put_all"), std::move(items), options);
  }
  /// Removes the first items, as many as there are up to `most`; waits for one, unless `most` is 0. They are lost if
  /// this process dies before it has used them, and with an item whose decoding throws, which take() would lose alone.
  std::vector<T> take_some(std::size_t most, const WaitOptions& options = {}) const {
    std::vector<T> values;
    for (const auto& item : detail::remote_channel_take_some(checked("take_some"), most, options)) {
      values.push_back(decode<T>(*item));
    }
    return values;
  }

  /// Whether a take would not wait.
  bool isready() const { return is_custom() ? custom<&AbstractChannel<T>::isready>({}) : status().ready; }
  bool isempty() const { return !isready(); }
  /// Items that it keeps; what waiting puts hold is not counted.
  std::size_t size() const { return is_custom() ? custom<&AbstractChannel<T>::size>({}) : status().size; }
  bool is_open() const { return is_custom() ? custom<&AbstractChannel<T>::is_open>({}) : status().open; }

  /// No more puts; those that wait fail. What is there can still be taken. Closing it again does nothing.
  void close() const { close(nullptr); }
  /// The same, and who comes too late gets this exception; on other processes as a RemoteException.
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
  /// Closes it with a ProcessExitedException when process `pid` is gone: whoever waits for what that process produces
  /// is released.
  void bind(Pid pid) const { detail::remote_channel_bind(checked("bind"), pid); }

  /// `for (const T& item : channel)` takes items until the channel is closed. @throws what it was closed with, if
  /// anything.
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

  // One of the two.
  detail::RemoteChannelPtr channel_;
  detail::CustomChannel<T> custom_;
};

/// As channel.bind(pid).
template <class T>
void bind(const RemoteChannel<T>& channel, Pid pid) {
  channel.bind(pid);
}

}  // namespace cohort
