#pragma once

#include <sys/socket.h>

#include <filesystem>
#include <string>

#include <cohort/cohort.hpp>

namespace cohort::test {

/// Connected TCP sockets of this process.
inline int connections_here() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (getpeername(std::stoi(entry.path().filename()), reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    count += peer.ss_family == AF_INET || peer.ss_family == AF_INET6;
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

/// What `to` says of itself to `from`.
inline Pid ask(Pid from, Pid to) {
  return remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, from, to);
}

}  // namespace cohort::test
