#include "output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string>
#include <system_error>

#include <nlohmann/json.hpp>

namespace cohort::cli {
namespace {

std::string describe(int error) {
  const std::string what = "cannot write to standard output";
  return error == 0 ? what : what + ": " + std::generic_category().message(error);
}

}  // namespace

OutputError::OutputError(int error) : std::runtime_error(describe(error)), reader_is_gone_(error == EPIPE) {}

void write_results(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) throw OutputError(errno);
}

void write_json(const nlohmann::ordered_json& document) {
  write_results(document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n');
}

void close_results() {
  std::cout.flush();
  if (std::fflush(stdout) != 0) throw OutputError(errno);
  if (!std::cout || std::ferror(stdout) != 0) throw OutputError(0);
  // One that was closed all along is no failure if there was nothing to print.
  if (close(STDOUT_FILENO) != 0 && errno != EBADF && errno != EINTR) throw OutputError(errno);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(descriptor, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {  // whoever shares the terminal or pipe made it non-blocking
      pollfd writable{descriptor, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (n < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool reader_is_gone(int descriptor) {
  pollfd output{descriptor, 0, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace cohort::cli
