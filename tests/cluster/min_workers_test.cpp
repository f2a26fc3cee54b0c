// How many workers are enough: what a launch does with those that are up when others failed.

#include <cohort/plugin.hpp>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class MinWorkersTest : public ClusterTest {
 protected:
  /// The workers of a script that does `instead` the first time that it is run.
  std::vector<Pid> add(int count, const std::string& instead, const std::optional<std::string>& min) {
    AddprocsOptions options;
    options.min = min;
    options.exename = directory_.script(
        "launcher", "if mkdir \"$0.once\" 2>/dev/null; then " + instead + "; fi\nexec " + this_program() + " \"$@\"");
    return addprocs(count, options);
  }

  TemporaryDirectory directory_;
};

TEST_F(MinWorkersTest, WithEnoughTheFailureIsAWarning) {
  const CapturedStderr captured;
  const auto pids = add(4, "echo no licence left >&2; exit 3", "50%");
  EXPECT_EQ(pids.size(), 3u);
  EXPECT_EQ(workers(), pids);
  for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
  EXPECT_TRUE(captured.has("3 of 4 workers of manager 'local' are up, which is enough (min: 50%)")) << captured.text();
  EXPECT_TRUE(captured.has("exited with code 3")) << captured.text();
  EXPECT_TRUE(captured.has("no licence left")) << captured.text();
}

TEST_F(MinWorkersTest, WithFewerTheLaunchFailsAndNoneStays) {
  for (const char* min : {"all", "4", "76%"}) {
    const std::string text = thrown_by<LaunchError>([&] { add(4, "exit 3", min); });
    EXPECT_TRUE(contains(text, "exited with code 3")) << text;
    EXPECT_EQ(nprocs(), 1);
    EXPECT_TRUE(children().empty()) << "right when addprocs is over";
    std::filesystem::remove(directory_.path("launcher.once"));
  }
}

TEST_F(MinWorkersTest, NotSetTheOthersStayThoughTheLaunchFails) {
  EXPECT_NE(thrown_by<LaunchError>([&] { add(4, "exit 3", std::nullopt); }), "");
  EXPECT_EQ(nworkers(), 3);
}

TEST_F(MinWorkersTest, AWorkerThatCannotBeDialledCountsAsWell) {
  EXPECT_EQ(add(3, "echo cohort_worker:1#127.0.0.1; exit 0", "2").size(), 2u);
}

TEST_F(MinWorkersTest, WithAllUpNothingIsSaid) {
  const CapturedStderr captured;
  EXPECT_EQ(add(2, ":", "all").size(), 2u);
  EXPECT_EQ(captured.text(), "");
}

TEST_F(MinWorkersTest, MoreThanAreLaunchedIsAFailure) {
  const std::string text = thrown_by<LaunchError>([&] { add(2, ":", "3"); });
  EXPECT_TRUE(contains(text, "launched 2 workers, and all are up, but min says 3")) << text;
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(MinWorkersTest, NonsenseIsRefusedBeforeAnythingIsLaunched) {
  const std::string text = thrown_by<ConfigError>([&] { add(1, ":", "most"); });
  EXPECT_TRUE(contains(text, "a percentage like \"50%\", found \"most\"")) << text;
  EXPECT_FALSE(std::filesystem::exists(directory_.path("launcher.once")));
}

/// One local worker that comes up, and what else the test says.
class OneAndMore final : public ClusterManager {
 public:
  explicit OneAndMore(std::function<void(LaunchQueue&)> more) : more_(std::move(more)) {}
  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    local_->launch(params, launched);
    more_(launched);
  }
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override { local_->manage(pid, config, op); }
  void kill(Pid pid, WorkerConfig& config) override { local_->kill(pid, config); }

 private:
  const std::unique_ptr<ClusterManager> local_ = load_manager("local", R"({"count": 1})");
  const std::function<void(LaunchQueue&)> more_;
};

std::vector<Pid> add_one_and(const std::string& min, std::function<void(LaunchQueue&)> more) {
  AddprocsOptions options;
  options.min = min;
  return addprocs(std::make_shared<OneAndMore>(std::move(more)), options);
}

TEST_F(MinWorkersTest, AFirstWorkerThatFailsTakesThoseItWouldHaveStartedAlong) {
  const auto three_of_one_host = [](LaunchQueue& launched) {
    WorkerConfig first;
    first.host = "127.0.0.1";
    first.port = 1;
    first.count = 3;
    launched.push(std::move(first));
  };
  EXPECT_EQ(add_one_and("25%", three_of_one_host).size(), 1u);
  rmprocs(workers());
  EXPECT_TRUE(contains(thrown_by<LaunchError>([&] { add_one_and("26%", three_of_one_host); }), "127.0.0.1"));
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(MinWorkersTest, AManagerTellsWhatItCouldNotLaunch) {
  const auto some_fail = [](LaunchQueue& launched) {
    launched.fail("node8: no such host", 1);
    launched.fail("node7: no power", 2);
  };
  const CapturedStderr captured;
  EXPECT_EQ(add_one_and("25%", some_fail).size(), 1u);
  EXPECT_TRUE(captured.has("1 of 4 workers of manager 'of the program' are up")) << captured.text();
  EXPECT_TRUE(captured.has("\n  node7: no power\n  node8: no such host\n")) << captured.text();
  rmprocs(workers());
  const std::string text = thrown_by<LaunchError>([&] { add_one_and("50%", some_fail); });
  EXPECT_TRUE(contains(text, "could not launch all of its workers:\n  node7: no power\n  node8: no such host")) << text;
}

TEST_F(MinWorkersTest, WhatLaunchThrowsFailsItInAnyCase) {
  const auto breaks = [](LaunchQueue&) { throw Error("the scheduler is gone"); };
  EXPECT_TRUE(contains(thrown_by<LaunchError>([&] { add_one_and("0", breaks); }), "the scheduler is gone"));
  EXPECT_EQ(nprocs(), 1);
}

}  // namespace
}  // namespace cohort::test
