#include "device_context.hpp"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/opencl_function.hpp>

namespace cohort::detail {

std::string error_text(int code) {
  const char* const name = [code] {
    switch (code) {
      case CL_DEVICE_NOT_AVAILABLE:
        return "CL_DEVICE_NOT_AVAILABLE";
      case CL_COMPILER_NOT_AVAILABLE:
        return "CL_COMPILER_NOT_AVAILABLE";
      case CL_MEM_OBJECT_ALLOCATION_FAILURE:
        return "CL_MEM_OBJECT_ALLOCATION_FAILURE";
      case CL_OUT_OF_RESOURCES:
        return "CL_OUT_OF_RESOURCES";
      case CL_OUT_OF_HOST_MEMORY:
        return "CL_OUT_OF_HOST_MEMORY";
      case CL_BUILD_PROGRAM_FAILURE:
        return "CL_BUILD_PROGRAM_FAILURE";
      case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
        return "an operation before it failed";
      case CL_INVALID_KERNEL_ARGS:
        return "CL_INVALID_KERNEL_ARGS";
      case CL_INVALID_WORK_GROUP_SIZE:
        return "CL_INVALID_WORK_GROUP_SIZE";
      case CL_INVALID_WORK_ITEM_SIZE:
        return "CL_INVALID_WORK_ITEM_SIZE";
      case CL_INVALID_GLOBAL_WORK_SIZE:
        return "CL_INVALID_GLOBAL_WORK_SIZE";
      case CL_INVALID_BUFFER_SIZE:
        return "CL_INVALID_BUFFER_SIZE";
      case CL_INVALID_COMMAND_QUEUE:
        return "CL_INVALID_COMMAND_QUEUE";
      case CL_INVALID_CONTEXT:
        return "CL_INVALID_CONTEXT";
      case CL_INVALID_VALUE:
        return "CL_INVALID_VALUE";
      default:
        return "an OpenCL error";
    }
  }();
  return std::string(name) + " (" + std::to_string(code) + ")";
}

std::string bytes_text(std::size_t bytes) {
  static constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  int unit = 0;
  for (; bytes >= std::size_t{1024} * 1024 && unit < 5; bytes /= 1024) unit++;
  const std::size_t tenths = bytes % 1024 * 10 / 1024;
  return std::to_string(bytes / 1024) + "." + std::to_string(tenths) + " " + units[unit];
}

void fail_device_function(const std::string& text) {
  throw Error("the function \"" + excerpt(text) + "\" is written in OpenCL C: it runs on DeviceArrays only");
}

DeviceContext::DeviceContext(cl::Device device, opencl::Device info, std::size_t index)
    : device_(std::move(device)), info_(std::move(info)), index_(index) {
  try {
    context_ = cl::Context(device_);
    queue_ = cl::CommandQueue(context_, device_);
    is_cpu_ = (device_.getInfo<CL_DEVICE_TYPE>() & CL_DEVICE_TYPE_CPU) != 0;
    compute_units_ = std::max<std::size_t>(1, device_.getInfo<CL_DEVICE_MAX_COMPUTE_UNITS>());
    const std::size_t most = std::max<std::size_t>(1, device_.getInfo<CL_DEVICE_MAX_WORK_GROUP_SIZE>());
    group_size_ = is_cpu_ ? 1 : std::bit_floor(std::min<std::size_t>(256, most));
    build_options_ = "-cl-std=CL1.2 -w";  // -w: no warnings, which some drivers print to standard error
    if ((device_.getInfo<CL_DEVICE_SINGLE_FP_CONFIG>() & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0)
      build_options_ += " -cl-fp32-correctly-rounded-divide-sqrt";
  } catch (const cl::Error& error) {
    fail("be used", error.err());
  }
}

void DeviceContext::check_has_double() const {
  if (!info_.has_double)
    throw Error("the OpenCL device \"" + info_.name +
                "\" does not compute with double: use float, for numbers in expressions too (2.0f * a)");
}

std::string DeviceContext::memory_text() const {
  return "it has " + bytes_text(info_.memory) + ", of which this process uses " + bytes_text(allocated_) +
         ", and a single array can have " + bytes_text(info_.largest_allocation) + " at least";
}

void DeviceContext::fail_allocation(std::size_t bytes) const {
  throw Error("the OpenCL device \"" + info_.name + "\" has no memory for an array of " + bytes_text(bytes) + ": " +
                  memory_text(),
              ErrorKind::overloaded);
}

void DeviceContext::fail(const std::string& what, int code) const {
  std::string text = "the OpenCL device \"" + info_.name + "\" cannot " + what + ": " + error_text(code);
  // Some drivers look for memory only when it is used.
  if (code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY)
    text += "; " + memory_text();
  throw Error(text);
}

cl_mem DeviceContext::allocate(std::size_t bytes) {
  // Drivers that lend the memory of the host would otherwise promise more than there is.
  std::size_t before = allocated_;
  do {
    if (bytes > info_.memory || before > info_.memory - bytes) fail_allocation(bytes);
  } while (!allocated_.compare_exchange_weak(before, before + bytes));
  cl_int error = CL_SUCCESS;
  const cl_mem memory = clCreateBuffer(context_(), CL_MEM_READ_WRITE, bytes, nullptr, &error);
  if (error == CL_SUCCESS) return memory;
  allocated_ -= bytes;
  switch (error) {
    case CL_INVALID_BUFFER_SIZE:
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
    case CL_OUT_OF_HOST_MEMORY:
      fail_allocation(bytes);
    default:
      fail("allocate an array of " + bytes_text(bytes), error);
  }
}

void DeviceContext::release(cl_mem memory, std::size_t bytes) noexcept {
  if (!is_exiting()) clReleaseMemObject(memory);
  allocated_ -= bytes;
}

std::shared_ptr<DeviceContext::Program> DeviceContext::program_of(const std::string& source) {
  const MutexLock lock(mutex_);
  std::shared_ptr<Program>& program = programs_[source];
  if (program == nullptr) program = std::make_shared<Program>();
  return program;
}

cl::Program DeviceContext::compile(const std::string& source) {
  cl::Program program(context_, source);
  try {
    program.build(build_options_.c_str());
  } catch (const cl::Error& error) {
    std::string log;
    try {
      log = program.getBuildInfo<CL_PROGRAM_BUILD_LOG>(device_);
    } catch (const cl::Error&) {
    }
    while (!log.empty() && (log.back() == '\0' || log.back() == '\n')) log.pop_back();
    {
      const MutexLock lock(mutex_);
      programs_.erase(source);
    }
    throw Error("the OpenCL device \"" + info_.name + "\" cannot compile a kernel: " + error_text(error.err()) + "\n" +
                excerpt(log, 16 * 1024, true) + "\nThe source is:\n" + excerpt(source, 16 * 1024, true));
  }
  compiled_++;
  return program;
}

void DeviceContext::run(const std::string& source, const char* name, const std::vector<KernelArgument>& arguments,
                        std::size_t groups) {
  const std::shared_ptr<Program> program = program_of(source);
  try {
    const MutexLock lock(program->mutex);
    if (program->program() == nullptr) program->program = compile(source);
    const auto known = program->kernels.find(name);
    cl::Kernel kernel = known != program->kernels.end() ? known->second : cl::Kernel(program->program, name);
    cl_uint place = 0;
    for (const KernelArgument& argument : arguments) {
      if (argument.memory != nullptr) {
        const cl_mem handle = argument.memory->handle();
        kernel.setArg(place++, sizeof(handle), &handle);
      } else {
        kernel.setArg(place++, argument.size, &argument.bits);
      }
    }
    queue_.enqueueNDRangeKernel(kernel, cl::NullRange, cl::NDRange(groups * group_size_), cl::NDRange(group_size_));
    if (known != program->kernels.end()) {
      queue_.flush();
      return;
    }
    queue_.finish();
    finish_at_exit();
    program->kernels.emplace(name, std::move(kernel));
  } catch (const cl::Error& error) {
    fail(std::string("start a kernel (") + error.what() + ")", error.err());
  }
}

void DeviceContext::wait_for_first(const std::string& name) {
  const MutexLock lock(mutex_);
  if (waited_for_.contains(name)) return;
  queue_.finish();
  finish_at_exit();
  waited_for_.insert(name);
}

}  // namespace cohort::detail
