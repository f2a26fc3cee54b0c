#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

using namespace std::chrono_literals;

/// As long as a wait in a test may take where everything works but the machine is busy.
inline Clock::time_point patience() { return Clock::now() + 30s; }

struct PipePair {
  PipePair() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) throw std::runtime_error("pipe2");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  FileDescriptor read;
  FileDescriptor write;
};

inline void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0) throw std::runtime_error("write: errno " + std::to_string(errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

/// Reads until `enough(text)`, the end, or the end of patience.
template <class Enough>
std::string read_until(int descriptor, Enough&& enough) {
  const auto deadline = patience();
  std::string text;
  char buffer[64 * 1024];
  while (descriptor >= 0 && !enough(text)) {
    pollfd ready{descriptor, POLLIN, 0};
    if (::poll(&ready, 1, poll_timeout(deadline)) == 0) break;
    const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

inline std::string read_to_end(int descriptor) {
  return read_until(descriptor, [](const std::string&) { return false; });
}

}  // namespace cohort::test
