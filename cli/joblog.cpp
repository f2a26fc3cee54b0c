#include "joblog.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/core.h>

#include <cohort/error.hpp>

#include "text.hpp"

namespace cohort::cli {
namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error("cannot write the job log " + path + ": " + std::generic_category().message(errno));
}

/// A row is a line, and tabs part its columns.
std::string one_field(const std::string& text) {
  std::string field;
  for (const char c : text) {
    if (c == '\n')
      field += "\\n";
    else if (c == '\t')
      field += "\\t";
    else
      field += c;
  }
  return field;
}

}  // namespace

Joblog::Joblog(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "we"), &std::fclose) {
  if (!file_) fail(path);
  fmt::print(file_.get(), "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n");
  if (std::fflush(file_.get()) != 0) fail(path);
}

void Joblog::add(const JoblogEntry& entry) {
  fmt::print(file_.get(), "{}\t{}\t{:.3f}\t{:10.3f}\t0\t{}\t{}\t{}\t{}\n", entry.number, entry.host, entry.start,
             entry.seconds, entry.received, entry.code, entry.signal, one_field(shell_join(entry.command)));
  if (std::fflush(file_.get()) != 0) fail(path_);
}

}  // namespace cohort::cli
