#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/detail/call_here.hpp>
#include <cohort/detail/function_ref.hpp>
#include <cohort/future.hpp>
#include <cohort/this_call.hpp>

namespace cohort::detail {

void save_failure(OutArchive& archive, const std::exception_ptr& failure);
std::exception_ptr load_failure(InArchive& archive);

/// What became of one item: a value, or the exception. R is not void.
template <class R>
struct ItemOutcome {
  std::optional<R> value;
  std::exception_ptr failure;

  void save(OutArchive& archive) const {
    archive(value);
    if (!value) save_failure(archive, failure);
  }
  void load(InArchive& archive) {
    archive(value);
    if (!value) failure = load_failure(archive);
  }
};

/// What a worker did of a batch: its first items.
template <class R>
struct BatchOutcome {
  std::vector<ItemOutcome<R>> items;
  double seconds = 0;  // that it took
};

/// The job of a map: calls the function for each item of a batch, in turn; coroutines run side by side. One item's
/// exception does not touch the others. When `seconds` have passed, no further item is begun.
template <class F, class... Items>
struct RunBatch {
  using Result = remote_result_t<F, Items...>;
  using Outcome = BatchOutcome<stored_t<Result>>;
  using Batch = std::vector<std::tuple<Items...>>;
  static constexpr bool side_by_side = is_task<std::decay_t<typename CallTraits<F, Items...>::Returned>>;

  Outcome operator()(const FunctionRef<F>& ref, Batch batch, double seconds) const {
    const auto begin = Clock::now();
    Outcome result;
    auto& outcomes = result.items;
    outcomes.reserve(batch.size());
    auto function = ref.get();
    const auto take = [&](auto&& call) {
      auto& outcome = outcomes.emplace_back();
      try {
        if constexpr (std::is_void_v<Result>) {
          call();
          outcome.value.emplace();
        } else {
          outcome.value.emplace(call());
        }
      } catch (...) {
        outcome.failure = current_as_remote();  // now: the stack of the throw is remembered until the next one
      }
    };
    const auto passed = [begin] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
    if constexpr (side_by_side) {
      std::vector<Future<Result>> under_way;
      for (auto& item : batch) {
        under_way.push_back(
            std::apply([&](auto&... values) { return call_here<Result>(function, std::move(values)...); }, item));
      }
      for (auto& future : under_way) take([&]() -> Result { return future.fetch(); });
    } else {
      for (auto& item : batch) {
        interruption_point();
        take([&]() -> Result {
          return static_cast<Result>(
              std::apply([&](auto&... values) -> decltype(auto) { return function(std::move(values)...); }, item));
        });
        if (passed() >= seconds) break;
      }
    }
    result.seconds = passed();
    return result;
  }
};

}  // namespace cohort::detail
