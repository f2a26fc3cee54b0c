#include <cohort/batch/command.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "../../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;

std::string failure(const Command& command) {
  try {
    run(command);
  } catch (const CommandError& error) {
    return error.what();
  }
  return "";
}

TEST(BatchCommand, ReturnsWhatItPrinted) {
  EXPECT_EQ(run({.words = {"sh", "-c", "cat; echo x >&2; echo \"$LC_ALL $A\""},
                 .input = "text\n",
                 .environment = {{"A", "b"}}}),
            "text\nC b\n");
}

TEST(BatchCommand, MuchOfBothOutputsIsReadAtOnce) {
  const auto text = run({.words = {"sh", "-c", "yes | head -c 300000 >&2; yes | head -c 300000"}});
  EXPECT_EQ(text.size(), 300000u);
}

TEST(BatchCommand, AFailureHasTheCommandItsCodeAndWhatItSaid) {
  const auto text = failure({.words = {"sh", "-c", "echo out; echo 'no such partition' >&2; exit 3"}});
  EXPECT_NE(text.find("'sh -c "), std::string::npos) << text;
  EXPECT_NE(text.find("exited with code 3: no such partition"), std::string::npos) << text;
  EXPECT_EQ(text.find("out\n"), std::string::npos) << "only if it wrote nothing to standard error: " << text;
}

TEST(BatchCommand, OneThatDoesNotEndIsEnded) {
  const auto text = failure({.words = {"sh", "-c", "echo busy >&2; sleep 100"}, .limit = 1s});
  EXPECT_NE(text.find("did not end within 1 s: busy"), std::string::npos) << text;
}

// A submission that goes on would make a job that nobody knows of.
TEST(BatchCommand, EndsWithTheProcessThatRunsIt) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t caller = ::fork();
  if (caller == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    run({.words = {"sh", "-c", "echo $$ >/proc/$PPID/fd/1; exec sleep 100"}});
    ::_exit(0);
  }
  ::close(ends[1]);
  char line[32] = {};
  ASSERT_GT(::read(ends[0], line, sizeof line - 1), 0);
  ::close(ends[0]);
  ::kill(caller, SIGKILL);
  ::waitpid(caller, nullptr, 0);
  const pid_t command = std::atoi(line);
  ASSERT_GT(command, 1);
  EXPECT_TRUE(cohort::contract::eventually([&] {
    std::string state;
    std::ifstream stat("/proc/" + std::to_string(command) + "/stat");
    std::getline(stat, state);
    return state.empty() || state.find(") Z ") != state.npos;
  }));
}

TEST(BatchCommand, OneThatIsNotThereIsNamed) {
  const auto text = failure({.words = {"no-such-scheduler"}});
  EXPECT_NE(text.find("no-such-scheduler"), std::string::npos) << text;
  EXPECT_NE(text.find("from which jobs can be submitted"), std::string::npos) << text;
}

}  // namespace
}  // namespace cohort::batch
