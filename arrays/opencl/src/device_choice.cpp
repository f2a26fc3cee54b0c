#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/opencl_device.hpp>

#include "device_context.hpp"

namespace cohort {
namespace detail {
namespace {

struct FoundDevice {
  cl::Device device;
  opencl::Device info;
};

/// A text of a driver; some end with a zero byte.
std::string text_of_driver(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return excerpt(text);
}

/// A driver without devices, or that fails, does not hide those of the others.
std::vector<FoundDevice> find_devices() {
  std::vector<FoundDevice> found;
  std::vector<cl::Platform> platforms;
  try {
    cl::Platform::get(&platforms);
  } catch (const cl::Error&) {
    return found;  // there is no driver
  }
  for (const cl::Platform& platform : platforms) {
    try {
      std::vector<cl::Device> devices;
      platform.getDevices(CL_DEVICE_TYPE_ALL, &devices);
      const std::string platform_name = text_of_driver(platform.getInfo<CL_PLATFORM_NAME>());
      for (const cl::Device& device : devices) {
        if (!device.getInfo<CL_DEVICE_AVAILABLE>() || !device.getInfo<CL_DEVICE_COMPILER_AVAILABLE>()) continue;
        const auto extensions = device.getInfo<CL_DEVICE_EXTENSIONS>();
        found.push_back({device,
                         {.name = text_of_driver(device.getInfo<CL_DEVICE_NAME>()),
                          .platform = platform_name,
                          .is_gpu = (device.getInfo<CL_DEVICE_TYPE>() & CL_DEVICE_TYPE_GPU) != 0,
                          .has_double = extensions.find("cl_khr_fp64") != extensions.npos,
                          .memory = device.getInfo<CL_DEVICE_GLOBAL_MEM_SIZE>(),
                          .largest_allocation = device.getInfo<CL_DEVICE_MAX_MEM_ALLOC_SIZE>()}});
      }
    } catch (const cl::Error&) {
    }
  }
  return found;
}

std::string list_text(const std::vector<FoundDevice>& devices) {
  std::string text;
  for (std::size_t i = 0; i < devices.size(); i++)
    text += (i == 0 ? "" : ", ") + std::to_string(i) + " \"" + devices[i].info.name + "\"";
  return text;
}

[[noreturn]] void fail_no_device() {
  throw Error(
      "no OpenCL device: install the driver of the GPU, or pocl-opencl-icd, which computes on the CPU; 'clinfo -l' "
      "lists what there is");
}

/// How many workers of this machine come before this one: each of them has another device, if there are several. 0 for
/// the master, and without a cluster.
std::size_t place_on_host() {
  try {
    std::size_t place = 0;
    for (const Pid pid : procs(myid()))
      if (pid != master_pid && pid < myid()) place++;
    return place;
  } catch (const Error&) {
    return 0;
  }
}

std::size_t default_device(const std::vector<FoundDevice>& devices, std::size_t place) {
  const auto lower = [](std::string text) {
    std::ranges::transform(text, text.begin(), to_lower);
    return text;
  };
  if (const char* const variable = std::getenv("COHORT_OPENCL_DEVICE"); variable != nullptr && *variable != '\0') {
    const std::string_view wanted = variable;
    if (std::ranges::all_of(wanted, is_digit)) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), index);
      if (error == std::errc() && index < devices.size()) return index;
    } else {
      for (std::size_t i = 0; i < devices.size(); i++)
        if (lower(devices[i].info.name).find(lower(variable)) != std::string::npos) return i;
    }
    throw Error("COHORT_OPENCL_DEVICE is \"" + excerpt(wanted) +
                "\", which is neither an index nor a part of a name of the OpenCL devices: " + list_text(devices));
  }
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < devices.size(); i++)
    if (devices[i].info.is_gpu) candidates.push_back(i);
  return candidates.empty() ? place % devices.size() : candidates[place % candidates.size()];
}

/// The choice of this process.
struct Choice {
  Mutex mutex;
  std::optional<std::size_t> index COHORT_GUARDED_BY(mutex);
  std::vector<FoundDevice> devices COHORT_GUARDED_BY(mutex);  // found once, if there are any
  std::atomic<DeviceContext*> context{nullptr};               // set while the mutex is held

  const std::vector<FoundDevice>& found() COHORT_REQUIRES(mutex) {
    if (devices.empty()) devices = find_devices();
    return devices;
  }
};

Choice& choice() {
  static Choice& object = *new Choice;
  return object;
}

std::atomic<bool> exiting{false};

}  // namespace

bool DeviceContext::is_exiting() { return exiting; }

DeviceContext& DeviceContext::of_process() {
  Choice& process = choice();
  if (DeviceContext* const context = process.context) return *context;
  const std::size_t place = place_on_host();  // without the lock: it may ask the master
  const MutexLock lock(process.mutex);
  if (DeviceContext* const context = process.context) return *context;
  const auto& devices = process.found();
  if (devices.empty()) fail_no_device();
  const std::size_t index = process.index ? *process.index : default_device(devices, place);
  process.context = new DeviceContext(devices[index].device, devices[index].info, index);
  finish_at_exit();
  return *process.context;
}

// What was registered last runs first. When a kernel has run for the first time, the driver, and the compiler that it
// may use in a thread of its own, have made the objects that they destroy at the end of the process: this function,
// registered once more, then waits for such threads before that.
void DeviceContext::finish_at_exit() {
  std::atexit([] {
    exiting = true;
    clFinish(choice().context.load()->queue()());
  });
}

}  // namespace detail

namespace opencl {

std::vector<Device> devices() {
  detail::Choice& process = detail::choice();
  const detail::MutexLock lock(process.mutex);
  std::vector<Device> result;
  for (const auto& found : process.found()) result.push_back(found.info);
  return result;
}

void use_device(std::size_t index) {
  detail::Choice& process = detail::choice();
  const detail::MutexLock lock(process.mutex);
  const auto& devices = process.found();
  if (devices.empty()) detail::fail_no_device();
  if (index >= devices.size())
    throw Error("there is no OpenCL device " + std::to_string(index) + "; there are: " + detail::list_text(devices));
  if (const detail::DeviceContext* const context = process.context; context != nullptr && context->index() != index)
    throw Error("this process uses the OpenCL device " + std::to_string(context->index()) +
                " already: call use_device(" + std::to_string(index) + ") before its first DeviceArray");
  process.index = index;
}

std::size_t current_device() { return detail::DeviceContext::of_process().index(); }

}  // namespace opencl
}  // namespace cohort
