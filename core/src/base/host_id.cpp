#include "base/host_id.hpp"

#include <limits.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/system_file.hpp"

namespace cohort {

std::string host_id() {
  static const std::string id = [] {
    char name[HOST_NAME_MAX + 1] = {};
    ::gethostname(name, HOST_NAME_MAX);
    const std::string boot = read_system_file("/proc/sys/kernel/random/boot_id");
    return std::string(name) + '/' + boot.substr(0, boot.find('\n'));
  }();
  return id;
}

std::string process_space() {
  std::error_code none;
  return host_id() + '/' + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

}  // namespace cohort
