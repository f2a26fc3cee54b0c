#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

#include "patience.hpp"

namespace cohort_ssh {

/// One numeric address of a server.
struct ServerAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string host;  ///< as text, without port
};

/// The addresses of a host, at least one. May block as long as the system's resolver does.
/// @throws LaunchFailure in phase "resolve".
std::vector<ServerAddress> resolve(const std::string& host, int port);

/// A connection to the first of the addresses that accepts one, and that address.
struct Dialled {
  cohort::FileDescriptor socket;  ///< non-blocking
  std::string host;               ///< numeric
};

/// @throws LaunchFailure in phase "connect".
Dialled dial(const std::vector<ServerAddress>& addresses, int port, const Patience& patience);

}  // namespace cohort_ssh
