#pragma once

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// @throws Error that a handle of this class is empty.
[[noreturn]] void throw_empty(const char* class_name);

/// Returns the state of a handle. All public handles use this function, so that an empty one is an error and never a
/// null pointer. @throws Error if the handle was made by default, moved from or finalised.
template <class Pointer>
const Pointer& checked(const Pointer& pointer, const char* class_name) {
  if (pointer == nullptr) throw_empty(class_name);
  return pointer;
}

}  // namespace detail
}  // namespace cohort
