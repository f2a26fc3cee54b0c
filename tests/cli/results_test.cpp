// What the tool is asked for is written, or the exit status says that it was not: on a full disk, to a standard output
// that is closed, or to one that nobody reads any more.

#include <gtest/gtest.h>

#include <string>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

/// map keeps the small ones for the number of jobs that failed.
int failure_of(const std::string& command) { return command.starts_with("map") ? 111 : 1; }

TEST(Results, AFullDiskIsAFailureOfEachCommand) {
  const TemporaryDirectory directory;
  directory.write("c.json", R"({"version": 1, "managers": [{"plugin": "local", "count": 2}]})");
  for (const std::string command :
       {"version", "--version", "help", "map --help", "config schema", "config check c.json", "config show c.json",
        "topology c.json", "plugin list", "plugin info local --json", "plugin new manager box",
        "plugin test local --list", "completion bash", "run --dry-run -p 2 true", "exec -p 1 -- echo x"}) {
    const auto result = run_script("\"$cohort\" " + command + " >/dev/full", {.dir = directory.path()});
    EXPECT_EQ(result.code, failure_of(command)) << command << result.err;
    EXPECT_NE(result.err.find("standard output: No space left on device"), std::string::npos) << command << result.err;
  }
}

TEST(Results, AClosedStandardOutputIsAFailure) {
  const auto result = run_script("\"$cohort\" config schema >&-");
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("standard output: Bad file descriptor"), std::string::npos) << result.err;
}

#if COHORT_WITH_ZMQ
TEST(Results, ProgramsThatTheToolBecomesNoticeThatTheyCannotWrite) {
  for (const auto& [output, why] :
       {std::pair{">/dev/full", "No space left on device"}, {">&-", "Bad file descriptor"}}) {
    const auto result = run_script(std::string("\"$cohort\" zmq-broker ") + output);
    EXPECT_EQ(result.code, 1) << output;
    EXPECT_NE(result.err.find(std::string("standard output: ") + why), std::string::npos) << output << result.err;
  }
}
#endif

TEST(Results, AReaderThatIsGoneIsStatus141WithoutAWord) {
  // Also where a broken pipe does not end a program by itself.
  for (const std::string command : {"help", "plugin list", "exec -p 1 echo x"}) {
    const TemporaryDirectory directory;
    const auto result = run_script("trap '' PIPE; { until [ -e gone ]; do sleep 0.01; done; \"$cohort\" " + command +
                                       "; echo $? >&2; } | { exec <&-; touch gone; }",
                                   {.dir = directory.path()});
    EXPECT_EQ(result.err, "141\n") << command;
  }
}

TEST(Results, EachCommandEndsInOrderWithAnyOfItsDescriptorsClosed) {
  for (int closed = 0; closed < 8; closed++) {
    const bool output_closed = (closed & 2) != 0;
    const std::string redirection = std::string((closed & 1) != 0 ? "<&- " : "") + (output_closed ? ">&- " : "") +
                                    ((closed & 4) != 0 ? "2>&-" : "");
    for (const std::string command : {"--help", "run -p 1 \"$cohort\" version", "exec -p 1 -- echo x"}) {
      const auto result = run_script("exec \"$cohort\" " + command + " " + redirection);
      EXPECT_EQ(result.code, output_closed ? failure_of(command) : 0) << command << redirection << result.err;
    }
  }
}

TEST(Results, ACommandOnWorkersEndsWhenNobodyReadsWhatItPrints) {
  const auto result = run_script("{ \"$cohort\" exec -p 2 -- yes; echo $? >&2; } | head -n 1");
  EXPECT_TRUE(result.out.ends_with(":\ty\n")) << result.out;
  EXPECT_EQ(result.err, "141\n");
  const auto full = run_script("\"$cohort\" exec -p 2 -- yes >/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(full.err, "cohort: cannot write to standard output: No space left on device\n");
}

TEST(Results, WhatWorkersOfAProgramPrintIsNotLostWithoutAWord) {
  const auto result = run_script("\"$cohort\" run -p 2 " COHORT_TEST_MASTER " flood 10 >/dev/full");
  EXPECT_NE(result.err.find("what workers print is lost from now on: standard output takes no more: No space"),
            std::string::npos)
      << result.err;
}

}  // namespace
