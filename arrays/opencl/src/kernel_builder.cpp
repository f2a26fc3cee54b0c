#include <cohort/detail/kernel_builder.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include <cohort/error.hpp>

#include "device_context.hpp"
#include "kernel_text.hpp"

namespace cohort::detail {

void KernelBuilder::use_type(ElementType type) {
  if (type != ElementType::float64 || has_double_) return;
  DeviceContext::of_process().check_has_double();
  has_double_ = true;
}

std::string KernelBuilder::new_variable(ElementType type, const std::string& value) {
  use_type(type);
  std::string name = "v" + std::to_string(variables_++);
  statements_ += "  const " + std::string(value_type_name(type)) + " " + name + " = " + value + ";\n";
  return name;
}

void KernelBuilder::add_argument(const std::string& declaration, const std::string& name, KernelArgument argument) {
  parameters_ += ",\n    " + declaration + " " + name;
  names_ += ", " + name;
  arguments_.push_back(std::move(argument));
}

std::string KernelBuilder::array(ElementType type, const DeviceMemoryPointer& memory,
                                 std::span<const std::size_t> extents) {
  std::vector<std::size_t> strides(extents.size());
  std::size_t stride = 1;
  for (std::size_t i = extents.size(); i-- > 0; stride *= extents[i]) strides[i] = extents[i] == 1 ? 0 : stride;
  return array_with_strides(type, memory, std::move(strides));
}

std::string KernelBuilder::array_with_strides(ElementType type, const DeviceMemoryPointer& memory,
                                              std::vector<std::size_t> strides) {
  use_type(type);
  const std::string name = "a" + std::to_string(arguments_.size());
  add_argument("__global const " + std::string(stored_type_name(type)) + "* const", name, {memory});
  std::string place;
  bool is_contiguous = true;
  std::size_t stride = 1;
  for (std::size_t i = extents_.size(); i-- > 0; stride *= extents_[i])
    is_contiguous = is_contiguous && (extents_[i] == 1 || strides[i] == stride);
  if (is_contiguous) {
    place = "i";
  } else {
    // Indices of 32 bits, where they suffice, are computed several times faster.
    std::size_t count = 1;
    for (const std::size_t extent : extents_) count *= extent;
    const std::string type_of_index = count <= std::numeric_limits<std::uint32_t>::max() ? "uint" : "ulong";
    if (!std::exchange(has_index_, true)) {
      std::string index = "  " + type_of_index + " rest = (" + type_of_index + ")i;\n";
      for (std::size_t i = extents_.size(); i-- > 1;) {
        const std::string extent = "e" + std::to_string(i);
        add_argument("const ulong", extent, KernelArgument::number(extents_[i]));
        index += "  const " + type_of_index + " i" + std::to_string(i) + " = rest % (" + type_of_index + ")" + extent +
                 ";\n  rest /= (" + type_of_index + ")" + extent + ";\n";
      }
      statements_ = index + "  const " + type_of_index + " i0 = rest;\n" + statements_;
    }
    for (std::size_t i = 0; i < strides.size(); i++) {
      if (strides[i] == 0) continue;
      const std::string stride_name = name + "_stride" + std::to_string(i);
      add_argument("const ulong", stride_name, KernelArgument::number(strides[i]));
      place += (place.empty() ? "" : " + ") + std::string("i") + std::to_string(i) + " * " + stride_name;
    }
    if (place.empty()) place = "0";
  }
  return new_variable(type, name + "[" + place + "]" + (type == ElementType::boolean ? " != 0" : ""));
}

std::string KernelBuilder::scalar(ElementType type, const void* value, std::size_t size) {
  use_type(type);
  const std::string name = "s" + std::to_string(arguments_.size());
  KernelArgument argument{nullptr, 0, size};
  std::memcpy(&argument.bits, value, size);
  add_argument("const " + std::string(stored_type_name(type)), name, argument);
  return type == ElementType::boolean ? "(bool)(" + name + " != 0)" : name;
}

std::string KernelBuilder::call(std::string_view pattern, std::span<const std::string> arguments, ElementType result) {
  return new_variable(result, called(pattern, arguments, result));
}

std::string KernelBuilder::function(const std::string& text, const std::string& declarations, ElementType result,
                                    std::span<const ElementType> parameters) {
  use_type(result);
  const std::string type = "static inline " + std::string(value_type_name(result)) + " ";
  std::string definition = "(";
  std::string arguments;
  for (std::size_t i = 0; i < parameters.size(); i++) {
    use_type(parameters[i]);
    const std::string number = std::to_string(i);
    definition += (i == 0 ? "" : ", ") + std::string(value_type_name(parameters[i])) + " x" + number;
    arguments += (i == 0 ? "$" : ", $") + number;
  }
  definition += ") { return " + text + "; }\n";
  if (!declarations.empty() && std::ranges::find(defined_, declarations) == defined_.end()) {
    defined_.push_back(declarations);
    functions_ += declarations + "\n";
  }
  const auto found = std::ranges::find(defined_, type + definition);
  const std::string name = "cohort_f" + std::to_string(found - defined_.begin());
  if (found == defined_.end()) {
    defined_.push_back(type + definition);
    functions_ += type + name + definition;
  }
  return name + "(" + arguments + ")";
}

std::string KernelBuilder::with_arguments_of(ElementType type, std::string_view pattern) {
  const std::string cast = "(" + std::string(value_type_name(type)) + ")$";
  return replaced(pattern, std::array{Replacement{"$", cast}});
}

std::string KernelBuilder::element_function(std::string_view value, ElementType type) const {
  std::string text;
  if (has_double_ || type == ElementType::float64) text += "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n";
  text += "#pragma OPENCL FP_CONTRACT OFF\n" + functions_;
  return text + "static inline " + std::string(value_type_name(type)) + " cohort_element(const ulong i" + parameters_ +
         ") {\n" + statements_ + "  return " + std::string(value) + ";\n}\n";
}

void KernelBuilder::evaluate(std::string_view value, ElementType type, const DeviceMemoryPointer& to) {
  if (to == nullptr) return;
  DeviceContext& context = to->context();
  use_type(type);
  const std::size_t count = to->bytes() / size_of(type);
  const std::string source =
      element_function(value, type) + std::string(text_of_grid(context)) +
      replaced(evaluate_text, std::array{Replacement{"$STORED", stored_type_name(type)},
                                         Replacement{"$PARAMETERS", parameters_}, Replacement{"$ARGUMENTS", names_}});
  std::vector<KernelArgument> arguments{{to}, KernelArgument::number(count)};
  arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
  context.run(source, "cohort_evaluate", arguments, groups_of_grid(context, count));
}

}  // namespace cohort::detail
