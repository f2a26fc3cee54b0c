#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {
namespace opencl {

/// A device that an installed OpenCL driver offers.
struct Device {
  std::string name;
  std::string platform;  ///< the driver: "Portable Computing Language", "NVIDIA CUDA"
  bool is_gpu = false;
  bool has_double = false;             ///< whether it computes with double
  std::size_t memory = 0;              ///< bytes
  std::size_t largest_allocation = 0;  ///< bytes that the driver promises for one array; some give more
};

/// The devices of this machine, in the order of their indices; empty where there is none, or no driver. Any thread.
std::vector<Device> devices();

/// Chooses the device of this process by its index in devices(). Without a call it is the one that the environment
/// variable COHORT_OPENCL_DEVICE names, by its index or by a part of its name (upper and lower case are the same).
/// Otherwise it is a GPU, or any device if there is no GPU: the first worker of a machine and the master have the first
/// one, the second worker has the second one, and so on, in turn. A process has one device. Any thread.
/// @throws Error if there is no such device, or if the process has used another one already.
void use_device(std::size_t index);

/// The index of the device of this process, which is chosen now if it is not yet. Any thread.
/// @throws Error if there is none, or if COHORT_OPENCL_DEVICE names none.
std::size_t current_device();

}  // namespace opencl
}  // namespace cohort
