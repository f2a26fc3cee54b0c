#include <cohort/detail/device_memory.hpp>

#include <algorithm>
#include <array>
#include <string>

#include <cohort/box.hpp>
#include <cohort/error.hpp>

#include "device_context.hpp"

namespace cohort::detail {
namespace {

/// A box of an array of any rank as boxes of up to three dimensions, which the queue can copy in one operation each.
/// @param copy called with the offset of each in the memory of the array and on the host, in bytes
template <class Copy>
void for_each_3d(std::size_t element_size, std::span<const std::size_t> extents, std::span<const std::size_t> begin,
                 std::span<const std::size_t> end, Copy copy) {
  const std::size_t outer = extents.size() > 3 ? extents.size() - 3 : 0;
  std::array<std::size_t, 3> origin{}, region{1, 1, 1}, whole{1, 1, 1};  // x first, which is contiguous
  for (std::size_t i = 0; i + outer < extents.size(); i++) {
    const std::size_t dimension = extents.size() - 1 - i;
    origin[i] = begin[dimension];
    region[i] = end[dimension] - begin[dimension];
    whole[i] = extents[dimension];
  }
  origin[0] *= element_size;
  region[0] *= element_size;
  const std::size_t row = whole[0] * element_size;
  const std::size_t slice = row * whole[1];
  std::size_t outer_count = 1;
  for (std::size_t i = 0; i < outer; i++) outer_count *= end[i] - begin[i];
  for (std::size_t n = 0; n < outer_count; n++) {
    std::size_t rest = n, slices = 0, stride = 1;
    for (std::size_t i = outer; i-- > 0;) {
      const std::size_t extent = end[i] - begin[i];
      slices += (begin[i] + rest % extent) * stride;
      stride *= extents[i];
      rest /= extent;
    }
    const std::array<std::size_t, 3> place{origin[0], origin[1], origin[2] + slices * whole[2]};
    copy(place, region, row, slice, n * region[0] * region[1] * region[2]);
  }
}

/// @return whether there is something to copy
bool check_box(std::span<const std::size_t> extents, std::span<const std::size_t> begin,
               std::span<const std::size_t> end) {
  bool inside = true;
  for (std::size_t i = 0; i < extents.size(); i++) {
    if (end[i] <= begin[i]) return false;
    inside = inside && end[i] <= extents[i];
  }
  if (!inside)
    throw Error("the box " + box_text(begin, end) + " is not inside of an array of " + extents_text(extents) +
                " elements");
  return true;
}

}  // namespace

DeviceMemoryPointer allocate_on_device(ElementType type, std::size_t bytes) {
  DeviceContext& context = DeviceContext::of_process();
  if (type == ElementType::float64) context.check_has_double();
  return bytes == 0 ? nullptr : std::make_shared<DeviceMemory>(context, bytes);
}

void fill_on_device(const DeviceMemoryPointer& memory, const void* value, std::size_t element_size) {
  if (memory == nullptr) return;
  const DeviceContext& context = memory->context();
  const cl_mem handle = memory->handle();
  const cl_int error =
      clEnqueueFillBuffer(context.queue()(), handle, value, element_size, 0, memory->bytes(), 0, nullptr, nullptr);
  if (error != CL_SUCCESS) context.fail("fill an array", error);
}

DeviceMemoryPointer copy_on_device(ElementType type, const DeviceMemoryPointer& memory, std::size_t bytes) {
  if (memory == nullptr) return nullptr;
  DeviceMemoryPointer copy = allocate_on_device(type, bytes);
  const DeviceContext& context = memory->context();
  try {
    context.queue().enqueueCopyBuffer(memory->buffer(), copy->buffer(), 0, 0, bytes);
  } catch (const cl::Error& error) {
    context.fail("copy an array", error.err());
  }
  return copy;
}

void copy_to_device(const DeviceMemoryPointer& memory, const void* from, std::size_t bytes) {
  if (memory == nullptr) return;
  const DeviceContext& context = memory->context();
  try {
    context.queue().enqueueWriteBuffer(memory->buffer(), true, 0, bytes, from);
  } catch (const cl::Error& error) {
    context.fail("take the elements of an array", error.err());
  }
}

void copy_from_device(const DeviceMemoryPointer& memory, void* to, std::size_t bytes) {
  if (memory == nullptr) return;
  const DeviceContext& context = memory->context();
  try {
    context.queue().enqueueReadBuffer(memory->buffer(), true, 0, bytes, to);
  } catch (const cl::Error& error) {
    context.fail("give the elements of an array", error.err());
  }
}

void copy_box_to_device(const DeviceMemoryPointer& memory, std::size_t element_size,
                        std::span<const std::size_t> extents, std::span<const std::size_t> begin,
                        std::span<const std::size_t> end, const void* from) {
  if (!check_box(extents, begin, end)) return;
  const DeviceContext& context = memory->context();
  const cl::Buffer buffer = memory->buffer();
  try {
    for_each_3d(element_size, extents, begin, end,
                [&](const auto& place, const auto& region, std::size_t row, std::size_t slice, std::size_t offset) {
                  context.queue().enqueueWriteBufferRect(buffer, true, place, {0, 0, 0}, region, row, slice, 0, 0,
                                                         static_cast<const std::byte*>(from) + offset);
                });
  } catch (const cl::Error& error) {
    context.fail("take the elements of a box", error.err());
  }
}

void copy_box_from_device(const DeviceMemoryPointer& memory, std::size_t element_size,
                          std::span<const std::size_t> extents, std::span<const std::size_t> begin,
                          std::span<const std::size_t> end, void* to) {
  if (!check_box(extents, begin, end)) return;
  const DeviceContext& context = memory->context();
  const cl::Buffer buffer = memory->buffer();
  try {
    for_each_3d(element_size, extents, begin, end,
                [&](const auto& place, const auto& region, std::size_t row, std::size_t slice, std::size_t offset) {
                  context.queue().enqueueReadBufferRect(buffer, true, place, {0, 0, 0}, region, row, slice, 0, 0,
                                                        static_cast<std::byte*>(to) + offset);
                });
  } catch (const cl::Error& error) {
    context.fail("give the elements of a box", error.err());
  }
}

}  // namespace cohort::detail
