#include "base/host_id.hpp"

#include <limits.h>
#include <unistd.h>

#include <fstream>

namespace cohort {

std::string host_id() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, HOST_NAME_MAX);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return std::string(name) + '/' + boot;
}

}  // namespace cohort
