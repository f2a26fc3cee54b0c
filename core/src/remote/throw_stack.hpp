#pragma once

#include <exception>
#include <string>

namespace cohort {

/// Returns the stack where `exception` was thrown, if that was the last throw on this thread and happened inside a
/// detail::ThrowStackScope that still lives: one frame on each line, the innermost first, up to the scope. Else "".
std::string throw_stack_of(const std::exception_ptr& exception);

}  // namespace cohort
