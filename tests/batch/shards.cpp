#include "shards.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cohort::test {
namespace {

// Nothing of the parent's is ended with this process.
[[noreturn]] void run_shard(int index, int count, const std::string& filter) {
  ::setenv("GTEST_TOTAL_SHARDS", std::to_string(count).c_str(), 1);
  ::setenv("GTEST_SHARD_INDEX", std::to_string(index).c_str(), 1);
  testing::GTEST_FLAG(filter) = filter;
  const int code = RUN_ALL_TESTS();
  std::fflush(nullptr);
  ::_exit(code);
}

}  // namespace

int run_in_shards(int count, const std::string& filter) {
  std::fflush(nullptr);
  std::vector<pid_t> shards;
  for (int index = 0; index < count; ++index) {
    const pid_t pid = ::fork();
    if (pid == 0) run_shard(index, count, filter);
    shards.push_back(pid);
  }
  int result = 0;
  for (const pid_t pid : shards) {
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) result = 1;
  }
  return result;
}

}  // namespace cohort::test
