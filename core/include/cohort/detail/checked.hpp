#pragma once

namespace cohort::detail {

/// @throws Error that says that a handle of this class names nothing.
[[noreturn]] void throw_empty(const char* class_name);

/// What a handle points to. Every public handle reaches its state through this, so that an empty one is an error and
/// never a null pointer. @throws Error it was made by default, moved from or finalised.
template <class Pointer>
const Pointer& checked(const Pointer& pointer, const char* class_name) {
  if (pointer == nullptr) throw_empty(class_name);
  return pointer;
}

}  // namespace cohort::detail
