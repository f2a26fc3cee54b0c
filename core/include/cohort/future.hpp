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

namespace COHORT_EXPORT cohort {

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

/// The value of a future; one that cannot be copied is moved out anyway.
template <class T>
T value_of(FutureState& state, Taking taking, const WaitOptions& options) {
  constexpr bool can_copy = std::is_void_v<T> || std::is_copy_constructible_v<T>;
  const TakenObject taken = future_take(state, &decode_object<T>, can_copy ? taking : Taking::move, options);
  if constexpr (!std::is_void_v<T>) {
    const T& value = *static_cast<const T*>(taken.object.get());
    if constexpr (can_copy) {
      if (!taken.alone) return value;
    }
    return std::move(const_cast<T&>(value));  // nobody else has the object, and it was not made const
  }
}

}  // namespace detail

/// A handle on a value that exists, or will exist, in one process of the cluster, its owner. The value is set once.
/// Copies are handles on the same value; the owner keeps it until every handle, in any process, has fetched it or is
/// gone. Handles can be arguments and results of remote calls. Any thread may use it.
template <class T>
class Future {
 public:
  using value_type = T;

  /// Makes an open future, into which somebody can put() a value. @param owner this process or another one; if it is
  /// another one, informs it and waits for its answer. @throws ProcessExitedException, Error as remotecall().
  explicit Future(Pid owner) : state_(detail::make_future(owner)) {}
  /// An empty handle; assign a future to it before use. All its functions except valid() throw Error. It can be sent,
  /// and arrives as an empty handle.
  Future() = default;
  explicit Future(detail::FuturePtr state) : state_(std::move(state)) {}

  bool valid() const { return state_ != nullptr; }
  /// The process that holds the value.
  Pid owner() const { return detail::future_owner(*state()); }

  /// Waits for the value, moves it to this process if it is elsewhere, and keeps it: a second fetch costs nothing.
  /// @throws RemoteException if the function threw; ProcessExitedException if the owner is gone.
  std::add_lvalue_reference_t<const T> fetch() const& {
    auto object = detail::future_object(*state(), &detail::decode_object<T>);
    if constexpr (!std::is_void_v<T>) return *static_cast<const T*>(object.get());
  }
  /// Does fetch() on a temporary future: returns the value itself instead of a reference.
  T fetch() && { return detail::value_of<T>(*state(), detail::Taking::copy, {}); }
  /// Does fetch() with a deadline or a stop token; returns a copy. After a failed wait the value can be fetched later.
  /// @throws also TimeoutError, CancelledException.
  T fetch(const WaitOptions& options) const { return detail::value_of<T>(*state(), detail::Taking::copy, options); }
  /// Waits for the value, and moves it out: for a large value, or one that cannot be copied. This handle is empty then.
  /// Other handles can fetch the value still if it came from another process, or if another process has had a handle on
  /// it before; otherwise they throw Error from now on, also where they are sent, and references that fetch() has
  /// returned are to a moved-from value. Like an assignment, it must not be called while another thread uses the same
  /// object; copies of it are objects of their own. After a failed wait nothing has changed. @throws as fetch(options).
  T get(const WaitOptions& options = {}) {
    if constexpr (std::is_void_v<T>) {
      fetch(options);
      state_ = nullptr;
    } else {
      T value = detail::value_of<T>(*state(), detail::Taking::move, options);
      state_ = nullptr;
      return value;
    }
  }

  /// Waits until the value is set, without fetching it. @throws as fetch().
  const Future& wait() const {
    detail::future_wait(*state(), WaitOptions{});
    return *this;
  }
  /// Does wait() with a deadline or a stop token. @throws also TimeoutError, CancelledException.
  const Future& wait(const WaitOptions& options) const {
    detail::future_wait(*state(), options);
    return *this;
  }
  /// Waits at most `duration`. @return whether the future is ready. If it failed, does not throw its exception.
  bool wait_for(Duration duration) const { return detail::future_wait_until(*state(), deadline_after(duration)); }
  bool is_ready() const { return detail::future_ready(*state()); }

  /// Sets the value. @throws Error "Future can be set only once" if it was set before in any process, or if it is the
  /// result of a call.
  template <class V = T>
  requires(!std::is_void_v<T>) void put(V&& value) const {
    detail::future_put(*state(), std::make_shared<T>(std::forward<V>(value)), &detail::encode_object<T>);
  }
  void put() const requires std::is_void_v<T> {
    detail::future_put(*state(), std::make_shared<detail::Nothing>(), &detail::encode_object<T>);
  }

  /// Calls `next` with this future when it is ready, on a thread of this process. @return the future of the result of
  /// `next`.
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

  /// Suspends a coroutine instead of blocking a thread; the coroutine resumes on a pool thread. @throws as fetch().
  auto operator co_await() const {
    struct Awaiter {
      Future future;
      std::shared_ptr<detail::Suspension> suspension;
      bool await_ready() const { return detail::future_is_here(*future.state()); }
      void await_suspend(std::coroutine_handle<> handle) {
        // Copies, because the coroutine may resume on another thread and destroy this object before we return.
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

  /// Cancels the call that makes the value, if this process made that call. If it has not begun, it never runs. If it
  /// is running, its this_call().stop_requested() becomes true, and its waits throw InterruptedException. The future
  /// becomes ready when the function ends.
  void cancel() const { detail::future_cancel(*state()); }

  void save(OutArchive& archive) const { detail::future_save(archive, state_, &detail::encode_object<T>); }
  void load(InArchive& archive) { state_ = detail::future_load(archive, &detail::decode_object<T>); }

 private:
  friend const detail::FuturePtr& detail::state_of<T>(const Future<T>&);
  const detail::FuturePtr& state() const { return detail::state_of(*this); }
  detail::FuturePtr state_;
};

/// Returns a future that is ready when all are ready. If some failed, it fails with the exception of the first of them
/// in the order of the arguments.
template <class T>
Future<std::vector<detail::stored_t<T>>> when_all(std::vector<Future<T>> futures);
template <class... T>
requires(sizeof...(T) > 0 && (!std::is_void_v<T> && ...)) Future<std::tuple<T...>> when_all(Future<T>... futures);
/// Returns a future of the index of the first future that is ready. @throws Error if there are no futures.
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
