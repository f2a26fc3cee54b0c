#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

/// A program of tests/testbed, which prints one line when it is ready, and ends with its standard input.
class BedProgram {
 public:
  explicit BedProgram(std::string program, std::vector<std::string> arguments = {});
  ~BedProgram();
  BedProgram(const BedProgram&) = delete;
  BedProgram& operator=(const BedProgram&) = delete;

  /// Empty: it cannot run here.
  const std::string& line() const { return line_; }

 private:
  pid_t pid_ = -1;
  FileDescriptor input_;
  std::string line_;
};

}  // namespace cohort::test
