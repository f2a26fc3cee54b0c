#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <cohort/detail/kernel_builder.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/opencl_device.hpp>

#include "opencl_headers.hpp"

namespace cohort::detail {

/// The device of this process with all that belongs to it. It is never destroyed: arrays in static variables may be
/// destroyed later than anything else. Any thread may call its functions.
class DeviceContext {
 public:
  /// Of this process; made when it is first needed. @throws Error as opencl::current_device().
  static DeviceContext& of_process();
  /// Whether the program has begun to exit. The driver may be gone then, so that nothing is given back to it.
  static bool is_exiting();

  DeviceContext(cl::Device device, opencl::Device info, std::size_t index);

  const opencl::Device& info() const { return info_; }
  std::size_t index() const { return index_; }
  const cl::Device& device() const { return device_; }
  const cl::Context& context() const { return context_; }
  const cl::CommandQueue& queue() const { return queue_; }

  /// A CPU runs one work-item after the other: there, each one does the work of many.
  bool is_cpu() const { return is_cpu_; }
  std::size_t compute_units() const { return compute_units_; }
  /// How many work-items a work-group has: a power of two; 1 on a CPU.
  std::size_t group_size() const { return group_size_; }

  /// @throws Error that names the device if it does not compute with double.
  void check_has_double() const;
  /// Adds a kernel to the queue. The source is compiled if this process has not compiled it before.
  /// @throws Error with the compiler's log and the source, or if the kernel cannot be started.
  void run(const std::string& source, const char* kernel, const std::vector<KernelArgument>& arguments,
           std::size_t groups);
  /// Waits for what is in the queue, the first time for each name. A driver may compile when a kernel first runs, in a
  /// thread of its own: see finish_at_exit().
  void wait_for_first(const std::string& name);
  std::size_t compiled_programs() const { return compiled_; }

  /// @throws Error that names the device, how much memory it has, and how much of it this process uses.
  cl_mem allocate(std::size_t bytes);
  void release(cl_mem memory, std::size_t bytes) noexcept;

  /// @throws Error "the OpenCL device ... cannot <what>: <why>"
  [[noreturn]] void fail(const std::string& what, int code) const;

 private:
  struct Program {
    // Held while it is compiled, and from the first argument of a kernel to its start; taken before the context's
    // mutex.
    Mutex mutex;
    cl::Program program COHORT_GUARDED_BY(mutex);
    std::map<std::string, cl::Kernel> kernels COHORT_GUARDED_BY(mutex);  // those that have run
  };
  std::shared_ptr<Program> program_of(const std::string& source);
  cl::Program compile(const std::string& source);
  static void finish_at_exit();
  [[noreturn]] void fail_allocation(std::size_t bytes) const;
  std::string memory_text() const;

  const cl::Device device_;
  const opencl::Device info_;
  const std::size_t index_;
  cl::Context context_;
  cl::CommandQueue queue_;
  bool is_cpu_ = false;
  std::size_t compute_units_ = 1;
  std::size_t group_size_ = 1;
  std::string build_options_;
  std::atomic<std::size_t> allocated_{0};  // bytes
  std::atomic<std::size_t> compiled_{0};
  Mutex mutex_;
  std::set<std::string> waited_for_ COHORT_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::shared_ptr<Program>> programs_ COHORT_GUARDED_BY(mutex_);  // by their sources
};

class DeviceMemory {
 public:
  DeviceMemory(DeviceContext& context, std::size_t bytes)
      : context_(context), handle_(context.allocate(bytes)), bytes_(bytes) {}
  ~DeviceMemory() { context_.release(handle_, bytes_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  DeviceContext& context() const { return context_; }
  cl_mem handle() const { return handle_; }
  cl::Buffer buffer() const { return cl::Buffer(handle_, true); }
  std::size_t bytes() const { return bytes_; }

 private:
  DeviceContext& context_;
  cl_mem handle_;
  std::size_t bytes_;
};

/// "CL_OUT_OF_RESOURCES (-5)"
std::string error_text(int code);
/// "512 bytes", "1.5 GiB"
std::string bytes_text(std::size_t bytes);

}  // namespace cohort::detail
