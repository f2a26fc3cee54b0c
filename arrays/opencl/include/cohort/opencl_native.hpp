#pragma once

// For programs with kernels of their own: the context, the queue and the buffers of <cohort/opencl.hpp>, as objects of
// the Khronos C++ bindings. They need those and the OpenCL loader (Debian: opencl-clhpp-headers, ocl-icd-opencl-dev;
// link to OpenCL). Define CL_HPP_TARGET_OPENCL_VERSION and whatever else you choose before this header.
//
//   cl::Kernel kernel(cl::Program(cohort::opencl::native_context(), source, true), "smooth");
//   kernel.setArg(0, cohort::opencl::native_buffer(a));
//   cohort::opencl::native_queue().enqueueNDRangeKernel(kernel, cl::NullRange, cl::NDRange(a.size()));
//
// With pocl, wait for the first run of a kernel of your own before the program exits: pocl compiles it then.

#ifndef CL_HPP_TARGET_OPENCL_VERSION
#define CL_HPP_TARGET_OPENCL_VERSION 120
#endif
#ifndef CL_HPP_MINIMUM_OPENCL_VERSION
#define CL_HPP_MINIMUM_OPENCL_VERSION 120
#endif
#include <CL/opencl.hpp>

#include <cohort/device_array.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {
// Only plain handles cross the border of the library: what cl::Buffer consists of depends on the program's own macros.
cl_device_id native_device();
cl_context native_context();
cl_command_queue native_queue();
cl_mem native_memory(const DeviceMemory& memory);
}  // namespace detail

namespace opencl {

/// The device of this process. Any thread, as all functions here. @throws Error as current_device().
inline cl::Device native_device() { return cl::Device(detail::native_device(), true); }
inline cl::Context native_context() { return cl::Context(detail::native_context(), true); }
/// The queue of all operations on DeviceArrays of this process. It executes them in their order, so a kernel that is
/// added sees what the operations before it wrote, and copy() after it waits for it.
inline cl::CommandQueue native_queue() { return cl::CommandQueue(detail::native_queue(), true); }
/// The elements, in C order; a bool is a uchar. A null object for an array without elements. It stays valid as long as
/// one of both exists; an assignment to the array may give that other memory.
template <class T, std::size_t N>
cl::Buffer native_buffer(const DeviceArray<T, N>& array) {
  return array.memory() == nullptr ? cl::Buffer() : cl::Buffer(detail::native_memory(*array.memory()), true);
}
/// How many kernels were compiled for expressions and algorithms in this process; those of CLBlast are not counted.
std::size_t compiled_kernels();

}  // namespace opencl
}  // namespace cohort
