#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/detail/device_memory.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// An argument of a kernel.
struct KernelArgument {
  DeviceMemoryPointer memory;  // null: a number
  std::uint64_t bits = 0;      // of the number
  std::size_t size = 0;        // of the number, in bytes

  static KernelArgument number(std::uint64_t value) { return {nullptr, value, sizeof(value)}; }
};

/// Makes a kernel of an expression. Its source text has the shape of the expression only: numbers, arrays and extents
/// are arguments. So an expression that was computed before, with other arrays, is not compiled again. Only one thread
/// at a time may use an object.
class KernelBuilder {
 public:
  /// @param extents of the whole expression
  explicit KernelBuilder(std::span<const std::size_t> extents) : extents_(extents.begin(), extents.end()) {}

  // These return the name of the variable in which the kernel has the value for the current element.
  /// An element of an array; dimensions of extent 1 are repeated.
  std::string array(ElementType type, const DeviceMemoryPointer& memory, std::span<const std::size_t> extents);
  /// An element of an array in another order. @param strides in elements, for each dimension of the expression
  std::string array_with_strides(ElementType type, const DeviceMemoryPointer& memory, std::vector<std::size_t> strides);
  std::string scalar(ElementType type, const void* value, std::size_t size);
  /// `pattern` is an expression in OpenCL C, in which $0, $1 ... are the arguments and $R is the result type.
  std::string call(std::string_view pattern, std::span<const std::string> arguments, ElementType result);

  /// Defines a function of the program's own. @return the pattern that calls it.
  std::string function(const std::string& text, const std::string& declarations, ElementType result,
                       std::span<const ElementType> parameters);
  /// `pattern` with arguments that are converted to `type` first.
  static std::string with_arguments_of(ElementType type, std::string_view pattern);

  // They run the kernel. `value` is the name of the variable with the value of an element.
  /// Writes the elements to `to`.
  void evaluate(std::string_view value, ElementType type, const DeviceMemoryPointer& to);
  /// Reduces all elements to one, and waits for it. @param pattern combines the values $0 and $1 of type `result`
  /// @return whether there are elements, and so a result.
  bool reduce(std::string_view value, ElementType result, std::string_view pattern, void* to);
  /// Reduces along one dimension, which is not empty.
  void reduce_along(std::size_t dimension, std::string_view value, ElementType result, std::string_view pattern,
                    const DeviceMemoryPointer& to);

 private:
  std::string new_variable(ElementType type, const std::string& value);
  void add_argument(const std::string& declaration, const std::string& name, KernelArgument argument);
  void use_type(ElementType type);
  std::string element_function(std::string_view value, ElementType type) const;
  std::string source_of_reduction(std::string_view kernels, std::string_view value, ElementType result,
                                  std::string_view pattern) const;
  /// Each element of `to` is made of `length` elements, which are `inner` places apart.
  void reduce_to(const DeviceMemoryPointer& to, std::size_t length, std::size_t inner, std::string_view value,
                 ElementType result, std::string_view pattern);

  std::vector<std::size_t> extents_;
  std::vector<KernelArgument> arguments_;
  std::string parameters_;            // their declarations, each after a comma
  std::string names_;                 // their names, each after a comma
  std::string functions_;             // of the program
  std::string statements_;            // that compute an element at place i
  std::vector<std::string> defined_;  // those functions
  int variables_ = 0;
  bool has_index_ = false;  // the statements have the index in each dimension
  bool has_double_ = false;
};

}  // namespace detail
}  // namespace cohort
