#pragma once

#include <exception>

#include <cohort/archive.hpp>

namespace cohort::detail {

/// The exception of an item, within the answer of a map's job.
void save_failure(OutArchive& archive, const std::exception_ptr& failure);
std::exception_ptr load_failure(InArchive& archive);

}  // namespace cohort::detail
