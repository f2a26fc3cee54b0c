#pragma once

// Arrays in the memory of an OpenCL device. Link to cohort::opencl.
//
//   #include <cohort/opencl.hpp>
//
//   cohort::DeviceArray<double, 1> a(host_a), b(host_b);  // copies from NdArrays
//   cohort::DeviceArray<double, 1> c = 2.0 * a / b;       // one kernel
//   const double total = sum(c);
//   const cohort::NdArray<double, 1> host = c.copy();
//
// The expressions and algorithms are those of <cohort/expression.hpp> and <cohort/algorithms.hpp>. A C++ function, as
// of map(), cannot run on a device: cohort::opencl::function is a function in OpenCL C. Programs with kernels of their
// own use <cohort/opencl_native.hpp>.

#include <cohort/algorithms.hpp>
#include <cohort/device_array.hpp>
#include <cohort/opencl_device.hpp>
#include <cohort/opencl_function.hpp>
