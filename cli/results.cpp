#include "results.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string>
#include <system_error>

#include <nlohmann/json.hpp>

#include "write_all.hpp"

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

}  // namespace cohort::cli
