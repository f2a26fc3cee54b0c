#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace cohort::cli {

/// One row of a job log.
struct JoblogEntry {
  std::size_t number = 0;
  std::string host;
  double start = 0;          ///< seconds since 1970
  double seconds = 0;        ///< run time
  std::size_t received = 0;  ///< bytes that the job printed
  int code = 0;              ///< -1: it was ended, or never ran
  int signal = 0;
  std::vector<std::string> command;
};

/// A file in the format of GNU parallel's --joblog, so that its users' scripts read it. Each row is in the file when
/// add() returns. One thread at a time.
class Joblog {
 public:
  /// Replaces the file. @throws Error with the path and the cause.
  explicit Joblog(const std::string& path);
  void add(const JoblogEntry& entry);

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace cohort::cli
