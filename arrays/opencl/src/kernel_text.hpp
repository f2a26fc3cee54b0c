#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <cohort/detail/device_memory.hpp>

namespace cohort::detail {

class DeviceContext;

/// In OpenCL C, as the type of a variable, and of an element of an array.
std::string_view value_type_name(ElementType type);
std::string_view stored_type_name(ElementType type);
std::size_t size_of(ElementType type);

struct Replacement {
  std::string_view name;
  std::string_view text;
};
/// The text with each name replaced.
std::string replaced(std::string_view text, std::span<const Replacement> replacements);
/// The pattern of KernelBuilder::call() with these arguments.
std::string called(std::string_view pattern, std::span<const std::string> arguments, ElementType result);

/// Defines COHORT_FOR_EACH(i, count), the loop over the places 0 to count in which each work-item takes its part of
/// them: on a CPU a contiguous one, whose loop can be vectorized, on other devices every n-th.
std::string_view text_of_grid(const DeviceContext& context);
/// How many work-groups share so many places. @param work for each, in about the time that an element takes
std::size_t groups_of_grid(const DeviceContext& context, std::size_t count, std::size_t work = 1);

inline constexpr std::string_view evaluate_text = R"(
__kernel void cohort_evaluate(__global $STORED* const to, const ulong count$PARAMETERS) {
  COHORT_FOR_EACH(i, count) to[i] = cohort_element(i$ARGUMENTS);
}
)";

}  // namespace cohort::detail
