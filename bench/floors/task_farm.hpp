#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace floors {

/// The plainest way to hand out tasks: forked processes that read a task from a TCP socket, spin and answer; a master
/// that keeps two tasks at each of them and waits with poll().
class TaskFarm {
 public:
  explicit TaskFarm(int workers);
  ~TaskFarm();
  TaskFarm(const TaskFarm&) = delete;
  TaskFarm& operator=(const TaskFarm&) = delete;

  /// `count` tasks of `steps` each, see spin().
  void run(int count, std::int64_t steps);

 private:
  std::vector<int> sockets_;
  std::vector<pid_t> processes_;
};

/// The same with OpenMP, schedule(dynamic), in this process. @return false: it was built without.
bool run_with_openmp(int workers, int count, std::int64_t steps);

}  // namespace floors
