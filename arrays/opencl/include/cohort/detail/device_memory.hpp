#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include <cohort/detail/export.hpp>

// What DeviceArray needs of OpenCL, without its headers. Any thread may call these functions. They add their work to
// the one queue of the process's device, which executes it in this order; only those that copy to or from the host
// wait.

namespace COHORT_EXPORT cohort {
namespace detail {

/// The element types of kernels. A bool is kept as a byte, 0 or 1, as it is on the host.
enum class ElementType : std::uint8_t {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
};

template <class T>
concept DeviceElement = std::same_as<T, float> || std::same_as<T, double> ||
    (std::integral<T> && sizeof(T) <= sizeof(std::uint64_t));

template <class T>
constexpr ElementType element_type() {
  static_assert(DeviceElement<T>,
                "cohort: on an OpenCL device, numbers are float, double, bool, or integers of 8 to 64 bits");
  if constexpr (std::is_same_v<T, bool>) return ElementType::boolean;
  if constexpr (std::is_same_v<T, float>) return ElementType::float32;
  if constexpr (std::is_same_v<T, double>) return ElementType::float64;
  constexpr int bits = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 6;
  return static_cast<ElementType>(static_cast<int>(ElementType::int8) + bits + (std::is_unsigned_v<T> ? 1 : 0));
}

/// A buffer on the device. The operations that are in the queue when it is destroyed still find it.
class DeviceMemory;
using DeviceMemoryPointer = std::shared_ptr<DeviceMemory>;

/// @return null for no bytes. @throws Error if there is no device, if it has no such memory, or no such elements.
DeviceMemoryPointer allocate_on_device(ElementType type, std::size_t bytes);
/// Sets all elements to `*value`, which has the size of one.
void fill_on_device(const DeviceMemoryPointer& memory, const void* value, std::size_t element_size);
/// Copies all elements to new memory.
DeviceMemoryPointer copy_on_device(ElementType type, const DeviceMemoryPointer& memory, std::size_t bytes);
/// When they return, `from` may be changed, and `to` is complete.
void copy_to_device(const DeviceMemoryPointer& memory, const void* from, std::size_t bytes);
void copy_from_device(const DeviceMemoryPointer& memory, void* to, std::size_t bytes);
/// The same for a box of an array of these extents; the elements of the box are contiguous on the host.
/// @throws Error that names both if the box is not inside the array.
void copy_box_to_device(const DeviceMemoryPointer& memory, std::size_t element_size,
                        std::span<const std::size_t> extents, std::span<const std::size_t> begin,
                        std::span<const std::size_t> end, const void* from);
void copy_box_from_device(const DeviceMemoryPointer& memory, std::size_t element_size,
                          std::span<const std::size_t> extents, std::span<const std::size_t> begin,
                          std::span<const std::size_t> end, void* to);

/// A matrix, or a vector as a matrix of one column.
struct DeviceMatrix {
  ElementType type;
  DeviceMemoryPointer memory;
  std::size_t rows;
  std::size_t columns;
};
/// c = a * b, for matrices of matching extents, computed in the type of `c`.
void multiply_on_device(const DeviceMatrix& a, const DeviceMatrix& b, const DeviceMatrix& c);
/// These compute a float or double, of the same type, and return true; or false if it is not a case for CLBlast: a
/// reduction gives the result then. It is none without elements, with more than an int can count, and on a CPU: there
/// CLBlast takes up to twenty times as long as a reduction. @param on_cpu use CLBlast there, too
bool norm_by_clblast(ElementType type, const DeviceMemoryPointer& a, std::size_t count, void* result,
                     bool on_cpu = false);
bool dot_by_clblast(ElementType type, const DeviceMemoryPointer& a, const DeviceMemoryPointer& b, std::size_t count,
                    void* result, bool on_cpu = false);

}  // namespace detail
}  // namespace cohort
