#pragma once

#include <any>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {

/// Launchers are scripts. Whatever they do, no process is left.
class LaunchTest : public ClusterTest {
 protected:
  void TearDown() override {
    ClusterTest::TearDown();
    EXPECT_TRUE(eventually([] { return children().empty(); }));
  }
  /// What addprocs throws for one worker whose command is that script.
  std::string failure(const std::string& script_text, Timeouts timeouts = {}) {
    AddprocsOptions options;
    options.exename = directory_.script("launcher", script_text);
    options.timeouts = timeouts;
    const auto start = Clock::now();
    const auto text = thrown_by<LaunchError>(
        [&] { addprocs("local", R"({"count": 1, "term_grace": "100ms", "kill_grace": "5s"})", options); });
    took_ = Clock::now() - start;
    EXPECT_TRUE(children().empty()) << "right when addprocs is over";
    EXPECT_EQ(nprocs(), 1);
    return text;
  }

  TemporaryDirectory directory_;
  Duration took_{};
};

/// For the managers of a test.
struct LaunchingManager : ClusterManager {
  /// A worker that runs this program.
  WorkerConfig start(const LaunchParams& params) {
    SpawnOptions spawn;
    spawn.command = {params.exename};
    spawn.command.insert(spawn.command.end(), params.exeflags.begin(), params.exeflags.end());
    spawn.input = params.cookie + "\n";
    started.push_back(std::make_unique<ChildProcess>(ChildProcess::spawn(spawn)));
    WorkerConfig config;
    config.io = WorkerOutput{started.back()->take_out(), started.back()->take_err()};
    config.userdata = started.back().get();
    return config;
  }
  static ChildProcess& process(WorkerConfig& config) { return *std::any_cast<ChildProcess*>(config.userdata); }
  void manage(Pid, WorkerConfig& config, ManageOp op) override {
    if (op == ManageOp::finalize) process(config).terminate(std::chrono::seconds(5), std::chrono::seconds(5));
  }
  std::vector<std::unique_ptr<ChildProcess>> started;
};

}  // namespace cohort::test
