#include "membership/line_stream.hpp"

#include <cerrno>
#include <cstring>

#include <cohort/error.hpp>

namespace cohort {

bool LineStream::flush() {
  while (!outgoing_.empty()) {
    const iovec part{outgoing_.data(), outgoing_.size()};
    const ssize_t n = pair_.writer->write({&part, 1});
    if (n == -EAGAIN) return false;
    if (n < 0) throw Error(std::string("the connection ended: ") + std::strerror(static_cast<int>(-n)));
    outgoing_.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> LineStream::receive() {
  for (;;) {
    std::byte next{};
    const ssize_t n = pair_.reader->read({&next, 1});
    if (n == -EAGAIN) return std::nullopt;
    if (n <= 0) throw Error("the connection ended before a whole line came");
    if (next == std::byte{'\n'}) return std::exchange(incoming_, {});
    if (incoming_.size() == longest_) throw Error("a line is too long");
    incoming_.push_back(static_cast<char>(next));
  }
}

}  // namespace cohort
