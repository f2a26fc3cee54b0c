#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "../io/pipe_pair.hpp"
#include "common/ring_offer.hpp"
#include "message_of.hpp"

// What the tests of rings, and of how two processes come to share them, have in common.

namespace cohort::test {

using namespace cohort_shm;

inline std::pair<FileDescriptor, FileDescriptor> sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    throw std::runtime_error("socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// One end of a connection, and the link of the other one, with which a test can do what it likes.
struct Connected {
  IoPair pair;
  std::shared_ptr<Link> peer;
};

inline Connected connect() {
  auto [near, far] = sockets();
  IoPair pair = offer_rings(std::move(near));
  return {std::move(pair), take_link(far, patience(), "test")};
}

inline ssize_t write(Writer& writer, std::span<const std::byte> bytes) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return writer.write({&part, 1});
}
inline ssize_t write(Writer& writer, std::string_view text) { return write(writer, std::as_bytes(std::span(text))); }

inline bool is_ready(int descriptor, short events, int milliseconds = 0) {
  pollfd polled{descriptor, events, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

inline std::string read(Reader& reader) {
  std::array<std::byte, 1000> buffer;
  const ssize_t count = reader.read(buffer);
  return count < 0 ? "error " + std::to_string(-count)
                   : std::string(reinterpret_cast<char*>(buffer.data()), static_cast<std::size_t>(count));
}

inline std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace cohort::test
