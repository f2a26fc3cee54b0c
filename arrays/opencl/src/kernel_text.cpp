#include "kernel_text.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <cohort/error.hpp>

#include "device_context.hpp"

namespace cohort::detail {
namespace {

// On a CPU, the elements that an iteration of the loop writes are not read by another one, also when the result is an
// array of the expression: so the compiler may vectorize it without a check.
constexpr std::string_view cpu_grid = R"cl(
#define COHORT_FOR_EACH(i, count) \
  const ulong cohort_part = get_global_id(0), cohort_parts = get_global_size(0); \
  const ulong cohort_end = min((ulong)count, (cohort_part + 1) * ((count + cohort_parts - 1) / cohort_parts)); \
  _Pragma("clang loop vectorize(assume_safety)") \
  for (ulong i = cohort_part * ((count + cohort_parts - 1) / cohort_parts); i < cohort_end; i++)
)cl";
constexpr std::string_view gpu_grid = R"(
#define COHORT_FOR_EACH(i, count) for (ulong i = get_global_id(0); i < count; i += get_global_size(0))
)";

}  // namespace

std::string_view value_type_name(ElementType type) {
  static constexpr std::string_view names[] = {"bool", "char", "uchar", "short", "ushort", "int",
                                               "uint", "long", "ulong", "float", "double"};
  return names[static_cast<std::size_t>(type)];
}

std::string_view stored_type_name(ElementType type) {
  return type == ElementType::boolean ? "uchar" : value_type_name(type);
}

std::size_t size_of(ElementType type) {
  static constexpr std::size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
  return sizes[static_cast<std::size_t>(type)];
}

std::string replaced(std::string_view text, std::span<const Replacement> replacements) {
  std::string result;
  while (!text.empty()) {
    const auto found =
        std::ranges::find_if(replacements, [&](const auto& each) { return text.starts_with(each.name); });
    if (found == replacements.end()) {
      result += text.front();
      text.remove_prefix(1);
    } else {
      result += found->text;
      text.remove_prefix(found->name.size());
    }
  }
  return result;
}

std::string called(std::string_view pattern, std::span<const std::string> arguments, ElementType result) {
  static constexpr std::string_view names[] = {"$0", "$1", "$2", "$3", "$4", "$5", "$6", "$7"};
  std::vector<Replacement> replacements{{"$R", value_type_name(result)}};
  if (arguments.size() > std::size(names)) throw Error("a function of more than 8 arrays cannot run on a device");
  for (std::size_t i = 0; i < arguments.size(); i++) replacements.push_back({names[i], arguments[i]});
  return "(" + std::string(value_type_name(result)) + ")(" + replaced(pattern, replacements) + ")";
}

std::string_view text_of_grid(const DeviceContext& context) { return context.is_cpu() ? cpu_grid : gpu_grid; }

std::size_t groups_of_grid(const DeviceContext& context, std::size_t count, std::size_t work) {
  const std::size_t least_work = context.is_cpu() ? 4096 / work + 1 : context.group_size();  // places of a group
  const std::size_t most_groups = context.compute_units() * (context.is_cpu() ? 4 : 64);
  return std::clamp<std::size_t>(count / least_work + (count % least_work != 0), 1, most_groups);
}

}  // namespace cohort::detail
