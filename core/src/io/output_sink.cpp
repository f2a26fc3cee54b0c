#include "io/output_sink.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/log.hpp"

namespace cohort {

OutputSink::OutputSink(int descriptor) : descriptor_(descriptor) {
  struct stat info {};
  never_blocks_ = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
}

void OutputSink::append(std::string_view prefix, std::string_view line) {
  if (broken_) return;
  pending_.append(prefix).append(line).push_back('\n');
}

// A pipe that is writable takes PIPE_BUF bytes at once and whole. Cut at a line's end where there is one, so that what
// other threads print does not land within a line.
std::size_t OutputSink::next_write_size() const {
  const std::size_t left = pending_.size() - written_;
  if (never_blocks_ || left <= PIPE_BUF) return left;
  const std::string_view next = std::string_view(pending_).substr(written_, PIPE_BUF);
  const std::size_t line_end = next.rfind('\n');
  return line_end == next.npos ? PIPE_BUF : line_end + 1;
}

// Why it gives up is in errno.
void OutputSink::give_up() {
  const int error = errno;
  broken_ = true;
  // With a reader that is gone there is nobody to tell it to.
  if (error != EPIPE && descriptor_ == STDOUT_FILENO)
    log_error("what workers print is lost from now on: standard output takes no more: " +
              std::generic_category().message(error));
  written_ = pending_.size();
}

void OutputSink::write_ready() {
  while (!empty()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    if (!never_blocks_ && ::poll(&ready, 1, 0) <= 0) break;
    const ssize_t count = ::write(descriptor_, pending_.data() + written_, next_write_size());
    if (count >= 0) {
      written_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      give_up();
    }
  }
  if (empty() || written_ >= high_water) {
    written_before_ += written_;
    pending_.erase(0, written_);
    written_ = 0;
  }
}

}  // namespace cohort
