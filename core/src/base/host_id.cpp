#include "base/host_id.hpp"

#include <limits.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace cohort {

std::string host_id() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, HOST_NAME_MAX);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return std::string(name) + '/' + boot;
}

std::string process_space() {
  std::error_code none;
  return host_id() + '/' + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

}  // namespace cohort
