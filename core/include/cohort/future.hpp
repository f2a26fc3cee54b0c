#pragma once

#include <cohort/detail/language.hpp>  // before <coroutine>, which has an #error of its own

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/checked.hpp>
#include <cohort/detail/runtime.hpp>
#include <cohort/error.hpp>

namespace cohort {

namespace detail {

template <class T>
std::shared_ptr<const void> decode_object(const Payload& payload) {
  auto object = std::make_shared<stored_t<T>>();
  InArchive archive(payload);
  if constexpr (!std::is_void_v<T>) archive(*object);
  archive.finish();
  return object;
}

template <class T>
Payload encode_object(const std::shared_ptr<const void>& object) {
  Payload payload;
  if constexpr (!std::is_void_v<T>) {
    OutArchive archive(payload, object);
    archive(*static_cast<const T*>(object.get()));
  }
  return payload;
}

template <class T>
const FuturePtr& state_of(const Future<T>& future) {
  return checked(future.state_, "Future");
}

}  // namespace detail

/// A handle on a value that exists, or will exist, in one process of the cluster, its owner. Set once. Copies are
/// handles on the same value; the owner keeps it until the last handle, in whatever process, has fetched it or is gone.
/// Handles can be arguments and results of remote calls. Any thread.
template <class T>
class Future {
 public:
  using value_type = T;

  /// A future owned by this process, or by `owner`, for somebody to put() into. Another owner is told at once, and its
  /// word is waited for. @throws ProcessExitedException, Error as remotecall().
  explicit Future(Pid owner) : state_(detail::make_future(owner)) {}
  /// No future at all; only to be assigned to. Its functions throw Error, but for valid(); sent, it arrives as such.
  Future() = default;
  explicit Future(detail::FuturePtr state) : state_(std::move(state)) {}

  bool valid() const { return state_ != nullptr; }
  /// The process that holds the value.
  Pid owner() const { return detail::future_owner(*state()); }

  /// Waits for the value, moves it here if it is elsewhere, and keeps it: a second fetch costs nothing.
  /// @throws RemoteException what the function threw; ProcessExitedException the owner is gone.
  std::add_lvalue_reference_t<const T> fetch() const& {
    auto object = detail::future_object(*state(), &detail::decode_object<T>);
    if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(object.get());
  }
  /// The same of a temporary: by value.
  T fetch() && {
    auto object = detail::future_object(*state(), &detail::decode_object<T>);
    if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(object.get());
  }
  /// The same, but it may give up; the value can be fetched later. @throws TimeoutError, CancelledException.
  T fetch(const WaitOptions& options) const {
    auto object = detail::future_object(*state(), &detail::decode_object<T>, options);
    if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(object.get());
  }

  /// Waits until there is a value, and leaves it where it is. @throws as fetch().
  const Future& wait() const {
    detail::future_wait(*state(), WaitOptions{});
    return *this;
  }
  /// @throws also TimeoutError, CancelledException.
  const Future& wait(const WaitOptions& options) const {
    detail::future_wait(*state(), options);
    return *this;
  }
  /// @return whether it is ready now. Does not throw what it failed with.
  bool wait_for(Duration duration) const { return detail::future_wait_until(*state(), deadline_after(duration)); }
  bool ready() const { return detail::future_ready(*state()); }

  /// Sets the value. @throws Error "Future can be set only once", wherever it was set before; also for the result of a
  /// call.
  template <class V = T>
  requires(!std::is_void_v<T>) void put(V&& value) const {
    detail::future_put(*state(), std::make_shared<T>(std::forward<V>(value)), &detail::encode_object<T>);
  }
  void put() const requires std::is_void_v<T> {
    detail::future_put(*state(), std::make_shared<detail::Nothing>(), &detail::encode_object<T>);
  }

  /// Calls `next` with this future once it is ready, on a thread of this process. @return the future of what it
  /// returns.
  template <class G>
  auto then(G next) const -> Future<std::invoke_result_t<G, Future<T>>> {
    using R = std::invoke_result_t<G, Future<T>>;
    detail::check_not_null(next);
    auto result = detail::make_future(no_pid);
    detail::future_on_ready(*state(), [result, self = *this, next = std::move(next)]() mutable {
      try {
        if constexpr (std::is_void_v<R>) {
          next(self);
          detail::future_put(*result, std::make_shared<detail::Nothing>(), &detail::encode_object<void>);
        } else {
          detail::future_put(*result, std::make_shared<R>(next(self)), &detail::encode_object<R>);
        }
      } catch (...) {
        detail::future_fail(*result, detail::current_as_remote());
      }
    });
    return Future<R>(std::move(result));
  }

  /// Suspends a coroutine instead of blocking a thread; it goes on on a pool thread. @throws as fetch().
  auto operator co_await() const {
    struct Awaiter {
      Future future;
      std::shared_ptr<detail::Suspension> suspension;
      bool await_ready() const { return detail::future_is_here(*future.state()); }
      void await_suspend(std::coroutine_handle<> handle) {
        // Copies: once it is handed over, the coroutine may go on, and this end, on another thread.
        const auto state = future.state();
        const auto waiting = suspension = std::make_shared<detail::Suspension>(handle);
        detail::resume_when_here(state, waiting);
      }
      T await_resume() {
        if (suspension != nullptr && suspension->interrupted) throw InterruptedException();
        return std::move(future).fetch();
      }
    };
    state();  // not in await_ready(), to which nobody's stack leads
    return Awaiter{*this, nullptr};
  }

  /// Calls the call off that makes the value, if this process made the call: it never runs if it does not yet, else its
  /// this_call().stop_requested() turns true and its waits throw InterruptedException. The future becomes ready when
  /// the function ends.
  void cancel() const { detail::future_cancel(*state()); }

  void save(OutArchive& archive) const { detail::future_save(archive, state_, &detail::encode_object<T>); }
  void load(InArchive& archive) { state_ = detail::future_load(archive, &detail::decode_object<T>); }

 private:
  friend const detail::FuturePtr& detail::state_of<T>(const Future<T>&);
  const detail::FuturePtr& state() const { return detail::state_of(*this); }
  detail::FuturePtr state_;
};

/// Ready when all are; fails with the failure of the first in order that failed.
template <class T>
Future<std::vector<detail::stored_t<T>>> when_all(std::vector<Future<T>> futures);
template <class... T>
requires(sizeof...(T) > 0 && (!std::is_void_v<T> && ...)) Future<std::tuple<T...>> when_all(Future<T>... futures);
/// The index of the first that is ready. @throws Error when there are none.
template <class T>
Future<std::size_t> when_any(const std::vector<Future<T>>& futures);

namespace detail {

/// Calls `finish` on a pool thread when `count` futures are ready; each calls arrive() once.
struct Countdown {
  explicit Countdown(std::size_t count, std::function<void()> done) : left(count), finish(std::move(done)) {}
  void arrive() {
    if (left.fetch_sub(1) == 1) finish();
  }
  std::atomic<std::size_t> left;
  std::function<void()> finish;
};

template <class R, class Make>
std::function<void()> fulfil(FuturePtr result, Make make) {
  return [result = std::move(result), make = std::move(make)]() mutable {
    try {
      future_put(*result, std::make_shared<R>(make()), &encode_object<R>);
    } catch (...) {
      future_fail(*result, std::current_exception());
    }
  };
}

}  // namespace detail

template <class T>
Future<std::vector<detail::stored_t<T>>> when_all(std::vector<Future<T>> futures) {
  using R = std::vector<detail::stored_t<T>>;
  auto result = detail::make_future(no_pid);
  auto finish = detail::fulfil<R>(result, [futures] {
    R values;
    for (const auto& future : futures) {
      if constexpr (std::is_void_v<T>) {
        future.fetch();
        values.emplace_back();
      } else {
        values.push_back(future.fetch());
      }
    }
    return values;
  });
  if (futures.empty()) {
    finish();
  } else {
    auto countdown = std::make_shared<detail::Countdown>(futures.size(), std::move(finish));
    for (const auto& future : futures) {
      detail::future_on_ready(*detail::state_of(future), [countdown] { countdown->arrive(); });
    }
  }
  return Future<R>(std::move(result));
}

template <class... T>
requires(sizeof...(T) > 0 && (!std::is_void_v<T> && ...)) Future<std::tuple<T...>> when_all(Future<T>... futures) {
  using R = std::tuple<T...>;
  auto result = detail::make_future(no_pid);
  auto countdown = std::make_shared<detail::Countdown>(
      sizeof...(T), detail::fulfil<R>(result, [futures...] { return R(futures.fetch()...); }));
  (detail::future_on_ready(*detail::state_of(futures), [countdown] { countdown->arrive(); }), ...);
  return Future<R>(std::move(result));
}

template <class T>
Future<std::size_t> when_any(const std::vector<Future<T>>& futures) {
  if (futures.empty()) throw Error("when_any: there is no future to wait for");
  auto result = detail::make_future(no_pid);
  auto first = std::make_shared<std::atomic_flag>();
  for (std::size_t i = 0; i < futures.size(); i++) {
    detail::future_on_ready(*detail::state_of(futures[i]), [result, first, i] {
      if (first->test_and_set()) return;
      detail::future_put(*result, std::make_shared<std::size_t>(i), &detail::encode_object<std::size_t>);
    });
  }
  return Future<std::size_t>(std::move(result));
}

}  // namespace cohort
