#pragma once

// What a worker does for a map: the job that a batch of items is. Not for programs.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/call_here.hpp>
#include <cohort/detail/function_ref.hpp>
#include <cohort/detail/outcome.hpp>
#include <cohort/future.hpp>
#include <cohort/this_call.hpp>

namespace cohort::detail {

template <class Result, class Function, class Item>
ItemOutcome<stored_t<Result>> outcome_of(Function& function, Item& item) {
  ItemOutcome<stored_t<Result>> outcome;
  try {
    std::apply([](const auto&... values) { check_numbers_fit<Function>(values...); }, item);
    if constexpr (std::is_void_v<Result>) {
      std::apply([&](auto&... values) { function(std::move(values)...); }, item);
      outcome.value.emplace();
    } else {
      outcome.value.emplace(static_cast<Result>(
          std::apply([&](auto&... values) -> decltype(auto) { return function(std::move(values)...); }, item)));
    }
  } catch (...) {
    outcome.failure = current_as_remote();  // now: the stack of the throw is remembered until the next one
  }
  return outcome;
}

/// A batch of items thought short, under way. While one of them waits, a helper does those behind it, so that one may
/// wait for another as if each had come alone; where a worker has several threads, they share the batch. When `seconds`
/// have passed, no further item is begun.
template <class Result, class Function, class Batch>
class ShortItems : public std::enable_shared_from_this<ShortItems<Result, Function, Batch>> {
 public:
  using Outcomes = std::vector<ItemOutcome<stored_t<Result>>>;

  ShortItems(Function function, Batch batch, double seconds)
      : function_(std::move(function)),
        until_(Clock::now() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))),
        batch_(std::move(batch)),
        outcomes_(batch_.size()) {}

  /// @return the outcomes of the first items, of all that were begun.
  Outcomes run() {
    const Future<void> helper = work();
    try {
      wait_for_helpers();
    } catch (...) {
      if (helper.valid()) helper.cancel();
      throw;
    }
    outcomes_.resize(begun_);
    return std::move(outcomes_);
  }

 private:
  Future<void> work() {
    Future<void> helper;
    try {
      for (interruption_point(); const auto i = begin_next(); interruption_point()) {
        if (!helper.valid() && *i + 1 < batch_.size()) {
          helper = call_here<void>([self = this->shared_from_this()] { self->work(); });
        }
        outcomes_[*i] = outcome_of<Result>(function_, batch_[*i]);
        end_one();
      }
    } catch (...) {  // called off
      close();
      if (helper.valid()) helper.cancel();
      throw;
    }
    return helper;
  }

  std::optional<std::size_t> begin_next() {
    std::lock_guard lock(mutex_);
    const bool may_answer = begun_ > 0 && done_ == begun_;
    if (begun_ == batch_.size() || (may_answer && Clock::now() >= until_)) closed_ = true;
    return closed_ ? std::nullopt : std::optional(begun_++);
  }

  void end_one() {
    std::lock_guard lock(mutex_);
    if (++done_ == begun_ && closed_ && all_done_.valid()) all_done_.put();
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }

  void wait_for_helpers() {
    {
      std::lock_guard lock(mutex_);
      if (done_ == begun_) return;
      all_done_ = Future<void>(myid());
    }
    all_done_.wait();
  }

  Function function_;
  const Clock::time_point until_;
  Batch batch_;        // an item belongs to the thread that began it,
  Outcomes outcomes_;  // and so does its outcome
  std::mutex mutex_;   // guards all below
  std::size_t begun_ = 0, done_ = 0;
  bool closed_ = false;    // nothing is begun any more
  Future<void> all_done_;  // valid: somebody waits for it
};

/// What a worker did of a batch: its first items.
template <class R>
struct BatchOutcome {
  std::vector<ItemOutcome<R>> items;
  double seconds = 0;  // that it took
};

/// The job of a map. One item's exception does not touch the others.
template <class F, class... Items>
struct RunBatch {
  using Result = remote_result_t<F, Items...>;
  using Outcome = BatchOutcome<stored_t<Result>>;
  using Batch = std::vector<std::tuple<Items...>>;
  static constexpr bool coroutine = is_task<std::decay_t<typename CallTraits<F, Items...>::Returned>>;

  /// @param seconds after which no further item is begun; negative: the batch is as its user wants it, and is done
  /// whole, one item after the other. Coroutines run side by side.
  Outcome operator()(const FunctionRef<F>& ref, Batch batch, double seconds) const {
    const auto begin = Clock::now();
    Outcome outcome;
    auto function = ref.get();
    if constexpr (coroutine) {
      std::vector<Future<Result>> under_way;
      for (auto& item : batch) {
        under_way.push_back(
            std::apply([&](auto&... values) { return call_here<Result>(function, std::move(values)...); }, item));
      }
      for (auto& future : under_way) {
        std::tuple<> nothing;
        auto fetch = [&]() -> Result { return future.fetch(); };
        outcome.items.push_back(outcome_of<Result>(fetch, nothing));
      }
    } else if (seconds >= 0 && batch.size() > 1) {
      using Run = ShortItems<Result, decltype(function), Batch>;
      outcome.items = std::make_shared<Run>(std::move(function), std::move(batch), seconds)->run();
    } else {
      for (auto& item : batch) {
        interruption_point();
        outcome.items.push_back(outcome_of<Result>(function, item));
      }
    }
    outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return outcome;
  }
};

}  // namespace cohort::detail
