#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

/// What this program is as a worker that is reached by a wire of its own: --own-wire KIND PATH. @return its exit
/// status.
int serve_by_own_wire(const std::string& kind, const std::string& path);

inline FileDescriptor unix_socket(const std::string& path, bool listens) {
  FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  if (listens ? ::bind(descriptor.get(), at, sizeof address) != 0 || ::listen(descriptor.get(), 100) != 0
              : ::connect(descriptor.get(), at, sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), path);
  return descriptor;
}

}  // namespace cohort::test
