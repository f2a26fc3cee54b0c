#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <cohort/retry.hpp>
#include <cohort/wait_options.hpp>
#include <cohort/worker_pool.hpp>

namespace cohort {

/// What is called when an item failed: `R handler(std::exception_ptr)`, or with the item's values behind. What it
/// returns takes the place of the result. An empty std::function or a null pointer is none.
template <class R, class... Items>
class ErrorHandler {
 public:
  ErrorHandler() = default;
  template <class H>
  requires(!std::is_same_v<std::remove_cvref_t<H>, ErrorHandler>) ErrorHandler(H&& handler) {
    using Handler = std::decay_t<H>;
    if constexpr (std::is_constructible_v<Handler, std::nullptr_t> && requires { handler == nullptr; }) {
      if (handler == nullptr) return;
    }
    if constexpr (std::is_invocable_r_v<R, Handler&, std::exception_ptr, const Items&...>) {
      function_ = std::forward<H>(handler);
    } else {
      static_assert(std::is_invocable_r_v<R, Handler&, std::exception_ptr>,
                    "cohort: on_error is called with a std::exception_ptr, and the item if you want it, and returns "
                    "what stands for the result");
      function_ = [handler = std::forward<H>(handler)](std::exception_ptr error, const Items&...) mutable -> R {
        return handler(std::move(error));
      };
    }
  }
  explicit operator bool() const { return function_ != nullptr; }
  R operator()(std::exception_ptr error, const Items&... items) const { return function_(std::move(error), items...); }

 private:
  std::function<R(std::exception_ptr, const Items&...)> function_;
};

inline constexpr std::size_t automatic_batch_size = 0;

/// How pmap works: `pmap(f, items, {.batch_size = 10, .retry_delays = {1s, 5s}})`.
template <class R, class... Items>
struct PmapOptions {
  /// Items that go to a worker in one message, done one after the other there; they share its fate when it dies. By
  /// default one; of a range of known size, where items turn out to be short, as many as the worker does in two
  /// milliseconds (what it has not begun by then is handed out again). Of coroutines, and for a stream, one.
  std::size_t batch_size = automatic_batch_size;
  /// Called in this thread with a RemoteException, ProcessExitedException, or whatever else kept the item from being
  /// done. Without it, the first error ends the map and is thrown. An item for which it returns is not retried: to have
  /// it retried it throws (rethrows).
  ErrorHandler<R, Items...> on_error = {};
  /// A failed item is done again, by another worker as long as there is one that has not failed it yet, after these
  /// pauses. This goes for items whose worker died, too: they may have been done already, in part or in whole. Without
  /// it no item is ever started twice.
  RetryDelays retry_delays = {};
  /// Whether to retry, given what was thrown. Empty: is_worth_retrying().
  std::function<bool(std::exception_ptr)> retry_check = {};
  /// False: all in this process, in batches of one.
  bool distributed = true;
  /// Whose workers: whoever is in it at any moment. They are not taken from it, so that a map inside of a map, or
  /// beside another, gets on. By default those of the default pool.
  std::optional<WorkerPool> pool = {};
  Deadline deadline = {};
  std::stop_token stop_token = {};
  /// Called in this thread after each item, with how many are done, and of how many (0: not known). See progress_bar().
  std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// For PmapOptions::progress: a bar on standard error, if that is a terminal.
std::function<void(std::size_t done, std::size_t total)> progress_bar();

}  // namespace cohort
