#pragma once

#include <cohort/detail/language.hpp>  // before <coroutine>, which has an #error of its own

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <cohort/detail/checked.hpp>
#include <cohort/detail/runtime.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

/// Number of nested tasks on this thread: each was started by the task that awaits it, and has neither ended nor
/// suspended. More of them would use up the stack, so beyond a limit tasks are started by symmetric transfer.
inline thread_local int tasks_in_each_other = 0;
inline constexpr int most_tasks_in_each_other = 50;

}  // namespace detail

/// A function that returns Task<T> is a coroutine: while it waits with co_await (for a Future or another Task) it
/// occupies neither a thread nor a slot, so one worker can run many thousands of them. Remote callers see a function
/// that returns T: `remotecall_fetch(fn<my_coroutine>, pid, ...)`.
/// A task starts when it is awaited or called remotely. It can be awaited once: awaiting it again, or after it was
/// moved from, throws Error. Its parts run on pool threads, one at a time. Move only.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && {
    struct Awaiter {
      Handle handle;
      bool started = false;
      // A task that ends at once uses no stack (without optimisation a transfer would): a loop may await many.
      bool await_ready() noexcept {
        if (detail::tasks_in_each_other == detail::most_tasks_in_each_other) return false;
        started = true;
        detail::tasks_in_each_other++;
        handle.resume();
        detail::tasks_in_each_other--;
        return handle.promise().has_ended();
      }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        handle.promise().awaiting = awaiting;
        if (!started) {
          handle.promise().met.store(true, std::memory_order_relaxed);
          return handle;
        }
        if (handle.promise().met.exchange(true)) return awaiting;  // it has ended in the meantime
        return std::noop_coroutine();
      }
      T await_resume() { return handle.promise().take(); }
    };
    if (!handle_ || handle_.done()) detail::throw_empty("Task");
    return Awaiter{handle_};
  }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> awaiting;
  std::exception_ptr exception;
  std::atomic<bool> met = false;  // of the task that ends and the one that awaits it, the second one goes on
  bool has_ended() const { return met.load(std::memory_order_acquire); }

  struct ResumeAwaiting {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      TaskPromiseBase& promise = ended.promise();
      if (promise.met.exchange(true)) return promise.awaiting;
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  ResumeAwaiting final_suspend() const noexcept { return {}; }
  void unhandled_exception() { exception = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  template <class V>
  void return_value(V&& returned) {
    value.emplace(std::forward<V>(returned));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};
template <>
struct TaskPromise<void> : TaskPromiseBase {
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

template <class T>
struct IsTask : std::false_type {};
template <class T>
struct IsTask<Task<T>> : std::true_type {};
template <class T>
inline constexpr bool is_task = IsTask<T>::value;

/// What a remote call of a function returns: for a Task<T> it is T.
template <class T>
struct TaskResult {
  using type = T;
};
template <class T>
struct TaskResult<Task<T>> {
  using type = T;
};

/// A coroutine that nobody awaits, and that frees itself when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }  // finish() is noexcept
  };
};

/// Runs a task to its end, then calls finish(value or nullopt, failure or null). @param arguments objects to which the
/// coroutine refers; kept alive until its end.
template <class T, class Finish>
Detached drive(Task<T> task, std::shared_ptr<void> arguments, Finish finish) {
  std::optional<stored_t<T>> value;
  std::exception_ptr failure;
  try {
    auto running = std::move(task);  // destroys its parameters before the caller learns that the call is over
    if constexpr (std::is_void_v<T>) {
      co_await std::move(running);
      value.emplace();
    } else {
      value.emplace(co_await std::move(running));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  arguments.reset();
  finish(std::move(value), failure);
}

}  // namespace detail

template <class T>
struct Task<T>::promise_type : detail::TaskPromise<T> {
  Task get_return_object() { return Task(Handle::from_promise(*this)); }
};

}  // namespace cohort
