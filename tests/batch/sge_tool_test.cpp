// The manager sge against a real Grid Engine, by the built tool.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "secret_search.hpp"
#include "sge_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class SgeTest : public testing::Test {
 protected:
  ToolResult run(const std::string& options, const std::string& arguments = {}, ToolInput input = {}) {
    input.dir = files_.path();
    return run_script("exec $cohort run -m sge " + options + " " COHORT_BATCH_PROGRAM " " + arguments, input);
  }

  void expect_nothing_left() {
    std::string queue;
    EXPECT_TRUE(eventually([&] { return (queue = run_script("qstat").out).empty(); })) << queue;
    EXPECT_TRUE(eventually([&] { return fs::is_empty(files_.path()); })) << "the job's files";
    for (const auto& host : SgeBed::current().hosts().hosts()) {
      std::string left;
      EXPECT_TRUE(eventually([&] {
        left.clear();
        for (const auto& command : SgeBed::current().hosts().processes(host))
          if (contains(command, COHORT_BATCH_PROGRAM)) left += command + '\n';
        return left.empty();
      })) << left;
    }
  }

  const TemporaryDirectory files_;
};

TEST_F(SgeTest, AnArrayIsTheWorkers) {
  const auto result = run("-p 3");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("workers 3 on h")) << result.out << result.err;
  EXPECT_EQ(result.err, "");
  expect_nothing_left();
}

TEST_F(SgeTest, AParallelEnvironmentHasWorkersOnTwoHosts) {
  const auto result = run("-p 4 -o jobs=one -o pe=mpi");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "workers 4 on h1 h1 h2 h2\n") << result.err;
  expect_nothing_left();
}

TEST_F(SgeTest, JobsThatSomebodyDeletesAreTheCauseOfTheirWorkersEnd) {
  const auto result =
      run("-p 2", "lost",
          {.standard_input = "", .dir = "", .when_printed = "ready", .then = [](int) { run_script("qdel -u root"); }});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "lost: process 3 exited: job ")) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "cancelled (deleted)") || contains(result.out, "signal 9"))
      << "the queue may forget the job before it is asked: " << result.out;
  expect_nothing_left();
}

TEST_F(SgeTest, WithinAJobTheWorkersAreTasksOfIt) {
  const std::string out = files_.write("out", ""),
                    script = files_.write("script", "cd " + files_.path() +
                                                        " && " COHORT_TOOL " run -m sge " COHORT_BATCH_PROGRAM
                                                        " >out 2>&1\n");
  run_script("qsub -sync y -S /bin/sh -j y -o /dev/null -pe mpi 3 " + script);
  EXPECT_TRUE(contains(text_of_file(out), "workers 3 on h1 h")) << text_of_file(out);
  for (const auto& file : {out, script}) fs::remove(file);
  expect_nothing_left();
}

TEST_F(SgeTest, TheSecretsAreWhereNobodyElseCanReadThem) {
  expect_that_no_secret_is_public(
      {.manager = "sge",
       .options = R"(, "flags": ["-h"])",
       .release = "qrls -u root",
       .directories = {SgeBed::current().hosts().directory()},
       .commands = {{"qstat", "cohort-"}, {"qstat -j $(qstat | awk 'NR == 3 { print $1 }')", "cohort-"}}});
  expect_nothing_left();
}

// The worker is lost when it has been silent for too long. Grid Engine, which does not know of it, hinders nothing.
TEST_F(SgeTest, AHostThatIsGoneTakesItsWorkerWithIt) {
  HostBed& hosts = SgeBed::current().hosts();
  const auto begin = std::chrono::steady_clock::now();
  const auto result =
      run("-p 1 -o 'flags=[\"-l\", \"hostname=h2\"]' --set timeouts.dead=3s", "lost",
          {.standard_input = "", .dir = "", .when_printed = "ready", .then = [&](int) { hosts.cut(hosts[1]); }});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "lost: process 2 ")) << result.out << result.err;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace cohort::test
