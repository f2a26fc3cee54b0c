#pragma once

#include <exception>
#include <optional>

#include <cohort/archive.hpp>

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

}  // namespace cohort::detail
