#pragma once

#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/detail/function_ref.hpp>
#include <cohort/future.hpp>
#include <cohort/this_call.hpp>

namespace cohort::detail {

void save_failure(OutArchive& archive, const std::exception_ptr& failure);
std::exception_ptr load_failure(InArchive& archive);

/// What became of one item: a value, or the exception. R is not void.
template <class R>
struct Outcome {
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

/// The job of a map: calls the function for each item of a batch. One item's exception does not touch the others.
template <class F, class... Items>
struct RunBatch {
  using Result = remote_result_t<F, Items...>;
  using Batch = std::vector<std::tuple<Items...>>;

  std::vector<Outcome<stored_t<Result>>> operator()(const FunctionRef<F>& ref, Batch batch) const {
    std::vector<Outcome<stored_t<Result>>> outcomes;
    outcomes.reserve(batch.size());
    auto function = ref.get();
    for (auto& item : batch) {
      interruption_point();
      auto& outcome = outcomes.emplace_back();
      try {
        auto call = [&](auto&... values) -> decltype(auto) { return function(std::move(values)...); };
        if constexpr (std::is_void_v<Result>) {
          std::apply(call, item);
          outcome.value.emplace();
        } else {
          outcome.value.emplace(std::apply(call, item));
        }
      } catch (...) {
        outcome.failure = std::current_exception();
      }
    }
    return outcomes;
  }
};

}  // namespace cohort::detail
