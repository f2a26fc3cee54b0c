#include "opencl_headers.hpp"

#include <cohort/opencl_native.hpp>

#include "device_context.hpp"

namespace cohort {
namespace detail {

cl_device_id native_device() { return DeviceContext::of_process().device()(); }
cl_context native_context() { return DeviceContext::of_process().context()(); }
cl_command_queue native_queue() { return DeviceContext::of_process().queue()(); }
cl_mem native_memory(const DeviceMemory& memory) { return memory.handle(); }

}  // namespace detail

std::size_t opencl::compiled_kernels() { return detail::DeviceContext::of_process().compiled_programs(); }

}  // namespace cohort
