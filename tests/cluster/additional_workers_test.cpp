// Group E: workers that the first worker of their host launches.

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include <cohort/child_process.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

// Launches one worker, which launches the rest of its host.
struct HostManager : ClusterManager {
  explicit HostManager(std::function<void(WorkerConfig&)> adjust) : adjust_(std::move(adjust)) {}

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    SpawnOptions spawn;
    spawn.command = {params.exename};
    spawn.command.insert(spawn.command.end(), params.exeflags.begin(), params.exeflags.end());
    spawn.input = params.cookie + "\n";
    spawn.env["COHORT_TEST_OF_HOST"] = "inherited";
    first_.emplace(ChildProcess::spawn(spawn));
    WorkerConfig config;
    config.io = WorkerOutput{first_->take_out(), first_->take_err()};
    adjust_(config);
    launched.push(std::move(config));
  }
  void manage(Pid pid, WorkerConfig&, ManageOp op) override {
    std::lock_guard lock(mutex_);
    if (op == ManageOp::register_worker) registered.push_back(pid);
    if (op == ManageOp::deregister_worker) deregistered.push_back(pid);
  }
  std::string exit_cause(Pid, WorkerConfig&) override {
    const auto status = first_->wait_until(deadline_after(1s));
    return status ? status->text() : "";
  }

  std::vector<Pid> registered, deregistered;  // looked at when addprocs and rmprocs are over

 private:
  const std::function<void(WorkerConfig&)> adjust_;
  std::mutex mutex_;  // guards registered and deregistered
  std::optional<ChildProcess> first_;
};

class AdditionalWorkersTest : public ClusterTest {
 protected:
  std::vector<Pid> add(int count) {
    manager_ = std::make_shared<HostManager>([&](WorkerConfig& config) { config.count = count; });
    return addprocs(manager_);
  }
  static int ospid_of(Pid pid) {
    return remotecall_fetch([] { return static_cast<int>(getpid()); }, pid);
  }

  std::shared_ptr<HostManager> manager_;
};

TEST_F(AdditionalWorkersTest, TheFirstWorkerOfAHostLaunchesTheOthers) {
  EXPECT_EQ(add(4), (std::vector<Pid>{2, 3, 4, 5}));
  EXPECT_EQ(nworkers(), 4);
  const int first = ospid_of(2);
  for (const Pid pid : {3, 4, 5}) {
    EXPECT_EQ(remotecall_fetch([] { return static_cast<int>(getppid()); }, pid), first);
    EXPECT_EQ(remotecall_fetch([] { return std::string(std::getenv("COHORT_TEST_OF_HOST")); }, pid), "inherited");
    EXPECT_EQ(remotecall_fetch([] { return procs(); }, pid), procs());
  }
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 5); }, 3), 5);
  std::sort(manager_->registered.begin(), manager_->registered.end());
  EXPECT_EQ(manager_->registered, workers());
}

TEST_F(AdditionalWorkersTest, AutoIsOneForEachCpuOfTheHost) {
  cpu_set_t own;
  ASSERT_EQ(sched_getaffinity(0, sizeof own, &own), 0);
  manager_ = std::make_shared<HostManager>([](WorkerConfig& config) { config.count_auto = true; });
  EXPECT_EQ(addprocs(manager_).size(), static_cast<std::size_t>(CPU_COUNT(&own)));
}

TEST_F(AdditionalWorkersTest, TheirLinesSayWhoseTheyAre) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  for (const Pid pid : add(3)) {
    remotecall_fetch(
        [] {
          std::printf("out of %d\n", myid());
          std::fprintf(stderr, "err of %d\n", myid());
        },
        pid);
  }
  rmprocs(workers());
  auto sorted_lines = [](const std::string& text) {
    std::vector<std::string> lines(1);
    for (const char c : text) c == '\n' ? lines.emplace_back() : lines.back() += std::string(1, c);
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(sorted_lines(testing::internal::GetCapturedStdout()),
            (Lines{"", "      From worker 2:\tout of 2", "      From worker 3:\tout of 3",
                   "      From worker 4:\tout of 4"}));
  EXPECT_EQ(sorted_lines(testing::internal::GetCapturedStderr()),
            (Lines{"", "      From worker 2:\terr of 2", "      From worker 3:\terr of 3",
                   "      From worker 4:\terr of 4"}));
}

TEST_F(AdditionalWorkersTest, OneCanBeRemovedWithoutTheOthers) {
  add(3);
  const int third = ospid_of(3);
  rmprocs(3);
  EXPECT_TRUE(eventually([&] { return state_of(third).state == 0; })) << "no zombie stays with the first worker";
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 4}));
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 4); }, 2), 4);
  EXPECT_EQ(manager_->deregistered, std::vector<Pid>{3});
}

TEST_F(AdditionalWorkersTest, OneThatDoesNotLeaveIsKilled) {
  Timeouts timeouts;
  timeouts.shutdown = 100ms;
  timeouts.term = 100ms;
  manager_ = std::make_shared<HostManager>([](WorkerConfig& config) { config.count = 2; });
  AddprocsOptions options;
  options.timeouts = timeouts;
  addprocs(manager_, options);
  const int stopped = ospid_of(3);
  ASSERT_TRUE(stop_process(stopped));
  rmprocs(3, {.waitfor = 60s});
  EXPECT_FALSE(is_running(stopped));
  EXPECT_EQ(workers(), std::vector<Pid>{2});
}

TEST_F(AdditionalWorkersTest, TheDeathOfOneIsToldWithItsCause) {
  add(2);
  try {
    remotecall_fetch(
        [] {
          std::fputs("no memory left\n", stderr);
          kill(getpid(), SIGKILL);
        },
        3);
    FAIL() << "nothing was thrown";
  } catch (const ProcessExitedException& error) {
    EXPECT_EQ(error.worker_id(), 3);
    EXPECT_TRUE(contains(error.cause(), "killed by signal 9 (Killed)")) << error.cause();
  }
  EXPECT_TRUE(eventually([] { return workers() == std::vector<Pid>{2}; }));
}

TEST_F(AdditionalWorkersTest, TheyDieWithTheirParentAlsoWhileTheyComputeOrAreStopped) {
  add(4);
  std::vector<int> processes;
  for (const Pid pid : workers()) processes.push_back(ospid_of(pid));
  auto computing = remotecall(
      [] {
        for (volatile bool go_on = true; go_on;) {
        }
      },
      3);
  ASSERT_TRUE(stop_process(processes[2]));
  ASSERT_EQ(kill(processes[0], SIGKILL), 0);
  EXPECT_THROW(computing.wait(), ProcessExitedException);
  for (const int process : processes) EXPECT_TRUE(eventually([&] { return !is_running(process); }));
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  const auto text = thrown_by<ProcessExitedException>([] { remotecall_fetch([] { return 1; }, 4); });
  EXPECT_FALSE(text.empty());
}

TEST_F(AdditionalWorkersTest, RemovingTheFirstRemovesThemInOrder) {
  testing::internal::CaptureStderr();
  add(3);
  std::vector<int> processes;
  for (const Pid pid : workers()) processes.push_back(ospid_of(pid));
  rmprocs(2, {.waitfor = 60s});
  EXPECT_EQ(nprocs(), 1);
  for (const int process : processes) EXPECT_TRUE(eventually([&] { return !is_running(process); }));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "nothing was lost, nothing was killed";
}

TEST_F(AdditionalWorkersTest, ThoseThatDoNotComeUpAreToldAndTheFirstStays) {
  TemporaryDirectory directory;
  const auto launcher = directory.script("launcher", "echo host is full >&2; exit 6");
  manager_ = std::make_shared<HostManager>([&](WorkerConfig& config) {
    config.count = 3;
    config.exename = launcher;
  });
  try {
    addprocs(manager_);
    FAIL() << "nothing was thrown";
  } catch (const CompositeException& error) {
    ASSERT_EQ(error.size(), 2u);
    const auto text = message_of(error.exceptions().front());
    EXPECT_TRUE(contains(text, "worker 3 of manager") || contains(text, "worker 4 of manager")) << text;
    EXPECT_TRUE(contains(text, "The process: exited with code 6.")) << text;
    EXPECT_TRUE(contains(text, "  host is full\n")) << text;
  }
  EXPECT_EQ(workers(), std::vector<Pid>{2});
  EXPECT_EQ(remotecall_fetch([] { return nworkers(); }, 2), 1);
}

}  // namespace
}  // namespace cohort::test
