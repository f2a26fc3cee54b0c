#include "base/system_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <cohort/file_descriptor.hpp>

namespace cohort {

std::string read_system_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  while (file) {
    char more[1024];
    const ssize_t n = ::read(file.get(), more, sizeof more);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(more, static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace cohort
