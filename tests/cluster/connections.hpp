#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

namespace cohort::test {

/// Whether each connection between two processes is a socket of its own: not so where all go through one to a broker.
inline bool connections_are_sockets = true;

/// Connections of this process through memory: each has a mapping.
inline int rings_here() {
  int count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) count += line.find("/memfd:cohort-ring") != line.npos;
  return count;
}

/// Connections of this process by TCP, by Unix sockets and through memory.
inline int connections_here() {
  const auto is_ours = [](const sockaddr_un& address, socklen_t size) {
    const std::string_view name(address.sun_path, size - std::min<socklen_t>(size, offsetof(sockaddr_un, sun_path)));
    return address.sun_family == AF_UNIX && name.find("cohort-") != name.npos;
  };
  int count = rings_here();
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename());
    union {
      sockaddr any;
      sockaddr_un name;
      sockaddr_in6 address;
    } peer{}, own{};
    socklen_t peer_size = sizeof peer, own_size = sizeof own;
    if (getpeername(descriptor, &peer.any, &peer_size) != 0 || getsockname(descriptor, &own.any, &own_size) != 0)
      continue;
    count += peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6 || is_ours(peer.name, peer_size) ||
             is_ours(own.name, own_size);
  }
  return count;
}

inline int connections_of(Pid pid) {
  return remotecall_fetch([] { return connections_here(); }, pid);
}

inline int connections_of_workers() {
  int count = 0;
  for (const Pid pid : workers()) count += connections_of(pid);
  return count;
}

/// Where they can be counted.
inline void expect_connections_of_workers(int count) {
  if (connections_are_sockets) {
    EXPECT_EQ(connections_of_workers(), count);
  }
}

/// What `to` says of itself to `from`.
inline Pid ask(Pid from, Pid to) {
  return remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, from, to);
}

}  // namespace cohort::test
