#pragma once

#include <sys/types.h>

#include <vector>

namespace floors {

/// What processes and sockets take for an all_reduce: one process adds up a number of each other one, and sends each
/// the sum. The first of them is this process.
class ReducingProcesses {
 public:
  /// @throws std::runtime_error
  explicit ReducingProcesses(int ranks);
  ~ReducingProcesses();
  ReducingProcesses(const ReducingProcesses&) = delete;
  ReducingProcesses& operator=(const ReducingProcesses&) = delete;

  /// @return the sum of `value` and of a 1 of each other process.
  double all_reduce(double value);

 private:
  std::vector<int> sockets_;
  std::vector<pid_t> processes_;
};

}  // namespace floors
