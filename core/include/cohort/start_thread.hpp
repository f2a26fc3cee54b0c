#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <cohort/error.hpp>

namespace COHORT_EXPORT cohort {

/// Starts a thread that runs `body`. If the machine allows no more threads, it throws a clear Error, instead of the
/// std::system_error "Resource temporarily unavailable" of std::thread.
/// @param purpose what the thread is needed for: "receive from the broker". @throws Error.
template <class Body>
std::thread start_thread(const std::string& purpose, Body&& body) {
  try {
    return std::thread(std::forward<Body>(body));
  } catch (const std::system_error& error) {
    throw Error(
        "no thread can be started to " + purpose + ": " + error.code().message() +
            ". Is there a limit of processes (ulimit -u, or the pids limit of a container) or of memory (ulimit -v)?",
        ErrorKind::overloaded);
  }
}

}  // namespace cohort
