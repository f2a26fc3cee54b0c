#include <array>
#include <limits>
#include <string>
#include <type_traits>

#include <clblast.h>

#include <cohort/detail/device_memory.hpp>
#include <cohort/error.hpp>

#include "device_context.hpp"
#include "kernel_text.hpp"

// CLBlast compiles its own kernels, once for a process, a type and a kind of operation. It has functions for float and
// double, and counts in its kernels with int; all else is computed by kernels of our own.

namespace cohort::detail {
namespace {

bool clblast_can(std::initializer_list<std::size_t> sizes) {
  for (const std::size_t size : sizes)
    if (size == 0 || size > std::numeric_limits<std::int32_t>::max()) return false;
  return true;
}

/// After a call of CLBlast. @param type of the elements
void check(DeviceContext& context, const std::string& what, ElementType type, clblast::StatusCode status) {
  if (status != clblast::StatusCode::kSuccess)
    context.fail("compute " + what + " with CLBlast", static_cast<int>(status));
  try {
    context.wait_for_first("CLBlast: " + what + " of " + std::string(value_type_name(type)));
  } catch (const cl::Error& error) {
    context.fail("compute " + what + " with CLBlast", error.err());
  }
}

template <class T>
void multiply(const DeviceMatrix& a, const DeviceMatrix& b, const DeviceMatrix& c) {
  DeviceContext& context = c.memory->context();
  cl_command_queue queue = context.queue()();
  constexpr auto order = clblast::Layout::kRowMajor;
  constexpr auto as_it_is = clblast::Transpose::kNo;
  // It computes 1 * a * b + 0 * c, also where c is not a number.
  const T zero = 0;
  fill_on_device(c.memory, &zero, sizeof(T));
  if (b.columns == 1)
    check(context, "a product of a matrix and a vector", c.type,
          clblast::Gemv<T>(order, as_it_is, a.rows, a.columns, T{1}, a.memory->handle(), 0, a.columns,
                           b.memory->handle(), 0, 1, T{0}, c.memory->handle(), 0, 1, &queue));
  else
    check(
        context, "a product of matrices", c.type,
        clblast::Gemm<T>(order, as_it_is, as_it_is, a.rows, b.columns, a.columns, T{1}, a.memory->handle(), 0,
                         a.columns, b.memory->handle(), 0, b.columns, T{0}, c.memory->handle(), 0, c.columns, &queue));
}

/// Waits for a function of CLBlast that writes a number.
template <class T, class Call>
void compute_number(const DeviceMemoryPointer& a, const char* what, T* result, Call call) {
  DeviceContext& context = a->context();
  const auto memory = std::make_shared<DeviceMemory>(context, sizeof(T));
  cl_command_queue queue = context.queue()();
  check(context, what, element_type<T>(), call(memory->handle(), &queue));
  copy_from_device(memory, result, sizeof(T));
}

constexpr std::string_view product_text = R"(
__kernel void cohort_product(__global $C* const c, const ulong count, __global const $A* const a,
    __global const $B* const b, const ulong inner, const ulong columns) {
  COHORT_FOR_EACH(i, count) {
    __global const $A* const row = a + i / columns * inner;
    __global const $B* const column = b + i % columns;
    $C sum = 0;
    for (ulong k = 0; k < inner; k++) sum += ($C)row[k] * ($C)column[k * columns];
    c[i] = sum;
  }
}
)";

}  // namespace

void multiply_on_device(const DeviceMatrix& a, const DeviceMatrix& b, const DeviceMatrix& c) {
  if (c.memory == nullptr) return;
  if (a.columns == 0) {
    const std::uint64_t zero = 0;
    return fill_on_device(c.memory, &zero, size_of(c.type));
  }
  const std::size_t count = c.rows * c.columns;
  if (a.type == c.type && b.type == c.type && clblast_can({count, a.rows * a.columns, b.rows * b.columns})) {
    if (c.type == ElementType::float32) return multiply<float>(a, b, c);
    if (c.type == ElementType::float64) return multiply<double>(a, b, c);
  }
  DeviceContext& context = c.memory->context();
  std::string source;
  if (c.type == ElementType::float64) source += "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n";
  source += text_of_grid(context);
  source += replaced(
      product_text, std::array{Replacement{"$A", stored_type_name(a.type)}, Replacement{"$B", stored_type_name(b.type)},
                               Replacement{"$C", stored_type_name(c.type)}});
  const auto number = KernelArgument::number;
  context.run(source, "cohort_product",
              {{c.memory}, number(count), {a.memory}, {b.memory}, number(a.columns), number(b.columns)},
              groups_of_grid(context, count, a.columns));
}

bool norm_by_clblast(ElementType type, const DeviceMemoryPointer& a, std::size_t count, void* result, bool on_cpu) {
  if (!clblast_can({count}) || (a->context().is_cpu() && !on_cpu)) return false;
  const auto compute = [&](auto* number) {
    using T = std::remove_pointer_t<decltype(number)>;
    compute_number(a, "a norm", number, [&](cl_mem to, cl_command_queue* queue) {
      return clblast::Nrm2<T>(count, to, 0, a->handle(), 0, 1, queue);
    });
  };
  type == ElementType::float32 ? compute(static_cast<float*>(result)) : compute(static_cast<double*>(result));
  return true;
}

bool dot_by_clblast(ElementType type, const DeviceMemoryPointer& a, const DeviceMemoryPointer& b, std::size_t count,
                    void* result, bool on_cpu) {
  if (!clblast_can({count}) || (a->context().is_cpu() && !on_cpu)) return false;
  const auto compute = [&](auto* number) {
    using T = std::remove_pointer_t<decltype(number)>;
    compute_number(a, "a dot product", number, [&](cl_mem to, cl_command_queue* queue) {
      return clblast::Dot<T>(count, to, 0, a->handle(), 0, 1, b->handle(), 0, 1, queue);
    });
  };
  type == ElementType::float32 ? compute(static_cast<float*>(result)) : compute(static_cast<double*>(result));
  return true;
}

}  // namespace cohort::detail
