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

namespace COHORT_EXPORT cohort {

/// The function that is called when an item failed: `R handler(std::exception_ptr)`, or with the values of the item as
/// further parameters. What it returns takes the place of the result. An empty std::function or a null pointer means
/// that there is no handler.
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

/// Options of pmap: `pmap(f, items, {.batch_size = 10, .retry_delays = {1s, 5s}})`.
template <class R, class... Items>
struct PmapOptions {
  /// Number of items that are sent to a worker in one message. The worker does them one after the other; if it dies,
  /// all of them fail. By default one item; if the size of the range is known and the items turn out to be short, as
  /// many as the worker does in two milliseconds (items that it has not begun by then are sent out again). For
  /// coroutines and for a stream, the default is always one.
  std::size_t batch_size = automatic_batch_size;
  /// Called in this thread with the error of a failed item: a RemoteException, a ProcessExitedException, or another
  /// one. Without it, the first error that is not retried ends the map and is thrown. If it returns, the item is not
  /// retried; if it throws (rethrows), the item may be retried.
  ErrorHandler<R, Items...> on_error = {};
  /// The pauses before the retries of a failed item. A retry uses a worker on which this item has not failed, as long
  /// as there is one. Items whose worker died are retried, too: they may have been done already, partly or completely.
  /// Without retry_delays no item is ever started twice.
  RetryDelays retry_delays = {};
  /// Decides from the exception whether to retry. Empty: is_worth_retrying().
  std::function<bool(std::exception_ptr)> retry_check = {};
  /// False: do everything in this process, in batches of one.
  bool distributed = true;
  /// The pool whose current members do the work; by default the default pool. The map does not take workers out of it,
  /// so maps can run inside and beside each other.
  std::optional<WorkerPool> pool = {};
  Deadline deadline = {};
  std::stop_token stop_token = {};
  /// Called in this thread after each item, with the number of finished items and the total (0: unknown). See
  /// progress_bar().
  std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// For PmapOptions::progress: draws a progress bar on standard error, if that is a terminal.
std::function<void(std::size_t done, std::size_t total)> progress_bar();

}  // namespace cohort
