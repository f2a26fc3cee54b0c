#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <cohort/detail/kernel_builder.hpp>

#include "device_context.hpp"
#include "kernel_text.hpp"

namespace cohort::detail {
namespace {

// A work-group reduces a part of what becomes one element of the result. A work-item begins with an element, not with a
// neutral one, which not every function has; those for which there is none stay out of the combination.
constexpr std::string_view combine_text = R"(
static inline $VALUE cohort_combine(const $VALUE a, const $VALUE b) { return $COMBINED; }
)";
constexpr std::string_view reduce_text = R"(
#define COHORT_REDUCE(to, from, end, element) \
  __local $STORED items[$ITEMS]; \
  const uint item = (uint)get_local_id(0); \
  ulong k = from + item; \
  if (k < end) { \
    $VALUE value; \
    if ($LANES > 1 && end - k >= $LANES) { \
      $VALUE lanes[$LANES]; \
      for (uint lane = 0; lane < $LANES; lane++) lanes[lane] = element(k + lane); \
      for (k += $LANES; k + $LANES <= end; k += $LANES) \
        for (uint lane = 0; lane < $LANES; lane++) lanes[lane] = cohort_combine(lanes[lane], element(k + lane)); \
      for (uint step = $LANES / 2; step > 0; step /= 2) \
        for (uint lane = 0; lane < step; lane++) lanes[lane] = cohort_combine(lanes[lane], lanes[lane + step]); \
      value = lanes[0]; \
    } else { \
      value = element(k); \
      k += $ITEMS; \
    } \
    for (; k < end; k += $ITEMS) value = cohort_combine(value, element(k)); \
    items[item] = value; \
  } \
  const uint filled = (uint)min((ulong)$ITEMS, end - from); \
  for (uint step = $ITEMS / 2; step > 0; step /= 2) { \
    barrier(CLK_LOCAL_MEM_FENCE); \
    if (item < step && item + step < filled) items[item] = cohort_combine(items[item], items[item + step]); \
  } \
  if (item == 0) to = items[0];

__kernel void cohort_reduce(__global $STORED* const to, const ulong length, const ulong inner, const ulong parts,
    const ulong part_length$PARAMETERS) {
  const ulong group = get_group_id(0);
  const ulong output = group / parts;
  const ulong base = output / inner * length * inner + output % inner;
  const ulong from = group % parts * part_length;
  const ulong end = min(length, from + part_length);
#define COHORT_ELEMENT(k) cohort_element(base + (k) * inner$ARGUMENTS)
  COHORT_REDUCE(to[group], from, end, COHORT_ELEMENT)
}

__kernel void cohort_finish(__global $STORED* const to, __global const $STORED* const partial, const ulong parts) {
  const ulong group = get_group_id(0);
  const ulong from = group * parts;
  const ulong end = from + parts;
#define COHORT_PARTIAL(k) partial[k]
  COHORT_REDUCE(to[group], from, end, COHORT_PARTIAL)
}
)";

constexpr std::string_view reduce_each_text = R"(
// A work-item reduces neighbouring columns at the same time, so that it reads whole lines of memory.
#define COHORT_ELEMENT_AT(k, column) cohort_element(base + (k) * inner + (column)$ARGUMENTS)
__kernel void cohort_reduce_each(__global $STORED* const to, const ulong blocks, const ulong length,
    const ulong inner$PARAMETERS) {
  const ulong across = (inner + $WIDTH - 1) / $WIDTH;
  COHORT_FOR_EACH(block, blocks) {
    const ulong first = block % across * $WIDTH;
    const ulong base = block / across * length * inner + first;
    const uint width = (uint)min((ulong)$WIDTH, inner - first);
    $VALUE values[$WIDTH];
    for (uint column = 0; column < width; column++) values[column] = COHORT_ELEMENT_AT(0, column);
    if (width == 1) {
      for (ulong k = 1; k < length; k++) values[0] = cohort_combine(values[0], COHORT_ELEMENT_AT(k, 0));
    } else {
      for (ulong k = 1; k < length; k++)
        for (uint column = 0; column < width; column++)
          values[column] = cohort_combine(values[column], COHORT_ELEMENT_AT(k, column));
    }
    for (uint column = 0; column < width; column++) to[block / across * inner + first + column] = values[column];
  }
}
)";

/// From this number of results on, a work-item reduces all elements of one.
constexpr std::size_t many_outputs = 64;

/// How many columns a work-item reduces at the same time: on a CPU, it has instructions for several.
std::size_t width_of(const DeviceContext& context) { return context.is_cpu() ? 64 : 1; }

}  // namespace

std::string KernelBuilder::source_of_reduction(std::string_view kernels, std::string_view value, ElementType result,
                                               std::string_view pattern) const {
  const DeviceContext& context = DeviceContext::of_process();
  const std::string combined = called(pattern, std::array<std::string, 2>{"a", "b"}, result);
  const std::string items = std::to_string(context.group_size());
  const std::string lanes = std::to_string(context.is_cpu() ? 8 : 1);
  const std::string width = std::to_string(width_of(context));
  const std::array replacements{Replacement{"$VALUE", value_type_name(result)},
                                Replacement{"$STORED", stored_type_name(result)},
                                Replacement{"$COMBINED", combined},
                                Replacement{"$ITEMS", items},
                                Replacement{"$LANES", lanes},
                                Replacement{"$WIDTH", width},
                                Replacement{"$PARAMETERS", parameters_},
                                Replacement{"$ARGUMENTS", names_}};
  return element_function(value, result) + std::string(text_of_grid(context)) + replaced(combine_text, replacements) +
         replaced(kernels, replacements);
}

void KernelBuilder::reduce_to(const DeviceMemoryPointer& to, std::size_t length, std::size_t inner,
                              std::string_view value, ElementType result, std::string_view pattern) {
  use_type(result);
  DeviceContext& context = to->context();
  const std::size_t outputs = to->bytes() / size_of(result);
  const std::string source =
      source_of_reduction(outputs > many_outputs ? reduce_each_text : reduce_text, value, result, pattern);
  const auto number = KernelArgument::number;
  const auto run = [&](const char* kernel, std::vector<KernelArgument> arguments, std::size_t groups) {
    arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
    context.run(source, kernel, arguments, groups);
  };
  if (outputs > many_outputs) {
    const std::size_t width = width_of(context);
    const std::size_t blocks = outputs / inner * ((inner + width - 1) / width);
    return run("cohort_reduce_each", {{to}, number(blocks), number(length), number(inner)},
               groups_of_grid(context, blocks, length * std::min(width, inner)));
  }
  // Short parts keep the error of sums of floating-point numbers small.
  const std::size_t part_length = context.is_cpu() ? 8192 : 32 * context.group_size();
  const std::size_t parts = (length - 1) / part_length + 1;
  const DeviceMemoryPointer partial =
      parts == 1 ? to : std::make_shared<DeviceMemory>(context, outputs * parts * size_of(result));
  run("cohort_reduce", {{partial}, number(length), number(inner), number(parts), number(part_length)}, outputs * parts);
  if (parts > 1) context.run(source, "cohort_finish", {{to}, {partial}, number(parts)}, outputs);
}

bool KernelBuilder::reduce(std::string_view value, ElementType result, std::string_view pattern, void* to) {
  std::size_t count = 1;
  for (const std::size_t extent : extents_) count *= extent;
  if (count == 0) return false;
  const auto memory = std::make_shared<DeviceMemory>(DeviceContext::of_process(), size_of(result));
  reduce_to(memory, count, 1, value, result, pattern);
  copy_from_device(memory, to, size_of(result));
  return true;
}

void KernelBuilder::reduce_along(std::size_t dimension, std::string_view value, ElementType result,
                                 std::string_view pattern, const DeviceMemoryPointer& to) {
  std::size_t inner = 1;
  for (std::size_t i = dimension + 1; i < extents_.size(); i++) inner *= extents_[i];
  reduce_to(to, extents_[dimension], inner, value, result, pattern);
}

}  // namespace cohort::detail
