// The local manager as the core uses it: loaded as a plugin. Its workers are shell scripts.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cluster_manager.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "../io/pipe_pair.hpp"
#include "plugin/loader.hpp"

namespace cohort::test {
namespace {

struct Launched : LaunchQueue {
  void push(WorkerConfig config) override {
    if (after_push) after_push();
    configs.push_back(std::move(config));
  }
  void fail(std::string what, int) override {
    if (!may_fail) ADD_FAILURE() << what;
    failures.push_back(std::move(what));
  }
  ~Launched() override {
    for (auto& config : configs) {
      ::close(config.io->out);
      ::close(config.io->err);
    }
  }
  std::vector<WorkerConfig> configs;
  std::vector<std::string> failures;
  bool may_fail = false;
  std::function<void()> after_push;
};

class LocalManagerTest : public testing::Test {
 protected:
  void TearDown() override {
    manager_.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process or a zombie was left behind";
    EXPECT_EQ(errno, ECHILD);
  }

  void make(const std::string& options) {
    const auto& plugin = detail::PluginLoader::instance().load(PluginKind::manager, "local");
    manager_ = plugin.create_manager(plugin.parse_options(options));
  }

  // Workers that run `script`; launch's own arguments come as $1, $2 ... to it.
  static LaunchParams shell(const std::string& script) {
    LaunchParams params;
    params.exename = "/bin/sh";
    params.exeflags = {"-c", script, "sh"};
    params.cookie = "swordfish";
    return params;
  }

  std::vector<WorkerConfig>& launch(const std::string& options, const LaunchParams& params) {
    make(options);
    manager_->launch(params, launched_);
    return launched_.configs;
  }

  static std::string output(const WorkerConfig& worker) { return read_to_end(worker.io->out); }

  static std::string line(const WorkerConfig& worker) {
    return read_until(worker.io->out, [](const std::string& text) { return text.ends_with('\n'); });
  }

  // By its end of a pipe that only the worker holds.
  static bool has_ended(const WorkerConfig& worker) {
    pollfd end{worker.io->out, POLLIN, 0};
    return ::poll(&end, 1, 30'000) == 1 && (end.revents & POLLHUP) != 0;
  }

  Launched launched_;
  std::unique_ptr<ClusterManager> manager_;
};

TEST_F(LocalManagerTest, StartsEachWorkerWithTheCookieOnStandardInputAlone) {
  auto& workers =
      launch(R"({"count": 3, "threads": 2})", shell("read cookie; echo \"$cookie $#\"; env; exec sleep 1000"));
  ASSERT_EQ(workers.size(), 3u);
  for (auto& worker : workers) {
    EXPECT_TRUE(line(worker).starts_with("swordfish 0\n"));
    EXPECT_GT(worker.ospid, 0);
    EXPECT_EQ(::kill(worker.ospid, 0), 0);
    EXPECT_EQ(worker.exename, "/bin/sh");
    EXPECT_EQ(worker.threads, 2);
    EXPECT_EQ(worker.count, 1);
  }
}

TEST_F(LocalManagerTest, AutoIsOneWorkerPerUsableCpu) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  EXPECT_EQ(launch("{}", shell("exit")).size(), static_cast<std::size_t>(CPU_COUNT(&own)));
}

TEST_F(LocalManagerTest, HandsOverDirectoryEnvironmentAndArguments) {
  ::setenv("COHORT_TEST_REMOVED", "1", 1);
  auto& workers = launch(R"({"count": 1, "dir": "/usr", "env": {"COHORT_TEST_NEW": "new", "COHORT_TEST_REMOVED": null},
                             "exeflags": ["--one", "t w o"]})",
                         shell("pwd; echo $COHORT_TEST_NEW ${COHORT_TEST_REMOVED-gone}; for f; do echo \"$f\"; done"));
  EXPECT_EQ(output(workers[0]), "/usr\nnew gone\n--one\nt w o\n");
}

TEST_F(LocalManagerTest, ListensElsewhereOnlyWhenUnrestricted) {
  auto& workers = launch(R"({"count": 1, "restrict": false})", shell("echo \"$@\""));
  EXPECT_EQ(output(workers[0]), "--bind-to=0.0.0.0\n");
  EXPECT_EQ(workers[0].bind_addr, "0.0.0.0");
}

TEST_F(LocalManagerTest, AnotherProgramMayBeNamed) {
  LaunchParams params;
  params.exename = "/bin/false";
  params.exeflags = {"hello"};
  EXPECT_EQ(output(launch(R"({"count": 1, "exename": "echo"})", params)[0]), "hello\n");
}

TEST_F(LocalManagerTest, BindsWorkersToCoresInTurnOverAllLaunches) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &own)) cpus.push_back(cpu);
  const auto params = shell("read cookie; exec sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status");
  auto& workers = launch(R"({"count": 3, "affinity": "core"})", params);
  manager_->launch(params, launched_);
  ASSERT_EQ(workers.size(), 6u);
  for (std::size_t i = 0; i < workers.size(); ++i)
    EXPECT_EQ(output(workers[i]), std::to_string(cpus[i % cpus.size()]) + "\n") << i;
}

TEST_F(LocalManagerTest, AMissingProgramFailsTheLaunch) {
  LaunchParams params;
  params.exename = "/no/such/program";
  make(R"({"count": 2})");
  try {
    manager_->launch(params, launched_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot start '/no/such/program': No such file or directory");
  }
  EXPECT_TRUE(launched_.configs.empty());
}

TEST_F(LocalManagerTest, WorkersStartedBeforeAFailureStay) {
  char directory[] = "/tmp/cohort-local-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  launched_.after_push = [&] { ::rmdir(directory); };  // so that the second one cannot start
  EXPECT_THROW(launch(R"({"count": 2, "dir": ")" + std::string(directory) + R"("})", shell("exec sleep 1000")), Error);
  ASSERT_EQ(launched_.configs.size(), 1u);
  EXPECT_EQ(::kill(launched_.configs[0].ospid, 0), 0);
}

TEST_F(LocalManagerTest, StopsBetweenWorkers) {
  std::stop_source stop;
  auto params = shell("exec sleep 1000");
  params.stop = stop.get_token();
  launched_.after_push = [&] { stop.request_stop(); };
  launched_.may_fail = true;
  EXPECT_EQ(launch(R"({"count": 50})", params).size(), 1u);
  ASSERT_EQ(launched_.failures.size(), 1u);
  EXPECT_NE(launched_.failures[0].find("1 of 50 workers"), std::string::npos) << launched_.failures[0];
}

TEST_F(LocalManagerTest, KillAsksFirst) {
  auto& workers = launch(R"({"count": 1})", shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  EXPECT_EQ(line(workers[0]), "ready\n");
  manager_->kill(2, workers[0]);
  EXPECT_EQ(manager_->exit_cause(2, workers[0]), "exited with code 7");
  manager_->kill(2, workers[0]);
}

TEST_F(LocalManagerTest, KillInsistsWhenTheWorkerDoesNotListen) {
  auto& workers =
      launch(R"({"count": 1, "term_grace": "50ms"})", shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
  EXPECT_EQ(line(workers[0]), "ready\n");
  manager_->kill(2, workers[0]);
  EXPECT_EQ(manager_->exit_cause(2, workers[0]), "killed by signal 9 (Killed)");
  EXPECT_TRUE(has_ended(workers[0])) << "what the worker started is ended with it";
}

TEST_F(LocalManagerTest, AStoppedWorkerIsEndedToo) {
  auto& workers = launch(R"({"count": 1, "term_grace": "50ms"})", shell("kill -STOP $$"));
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(workers[0].ospid), &stopped, WSTOPPED | WEXITED | WNOWAIT), 0);
  ASSERT_EQ(stopped.si_code, CLD_STOPPED);
  manager_->kill(2, workers[0]);
  EXPECT_EQ(manager_->exit_cause(2, workers[0]), "killed by signal 9 (Killed)");
}

TEST_F(LocalManagerTest, InterruptIsASignal) {
  auto& workers =
      launch(R"({"count": 1})", shell("trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.01; done"));
  EXPECT_EQ(line(workers[0]), "ready\n");
  manager_->manage(2, workers[0], ManageOp::register_worker);
  manager_->manage(2, workers[0], ManageOp::interrupt);
  EXPECT_EQ(output(workers[0]), "interrupted\n");
}

TEST_F(LocalManagerTest, TellsWhyAWorkerEndedUntilItIsForgotten) {
  auto& workers =
      launch(R"({"count": 2, "term_grace": "50ms"})", shell("read c; read go < /dev/null; exec sleep 1000"));
  EXPECT_EQ(manager_->exit_cause(3, workers[1]), "") << "it still runs";
  ::kill(workers[0].ospid, SIGSEGV);
  EXPECT_EQ(manager_->exit_cause(2, workers[0]), "killed by signal 11 (Segmentation fault)");
  manager_->manage(2, workers[0], ManageOp::deregister_worker);
  manager_->manage(2, workers[0], ManageOp::finalize);
  EXPECT_EQ(manager_->exit_cause(2, workers[0]), "");
  manager_->manage(3, workers[1], ManageOp::deregister_worker);
  EXPECT_EQ(::kill(workers[1].ospid, 0), 0);
  manager_->manage(3, workers[1], ManageOp::finalize);
  EXPECT_EQ(::kill(workers[1].ospid, 0), -1);
}

TEST_F(LocalManagerTest, StrangeWorkersAreLeftAlone) {
  make("{}");
  WorkerConfig strange;
  strange.ospid = ::getpid();
  manager_->kill(2, strange);
  manager_->manage(2, strange, ManageOp::finalize);
  EXPECT_EQ(manager_->exit_cause(2, strange), "");
}

TEST_F(LocalManagerTest, SixtyFourWorkersEndWithTheManager) {
  auto& workers = launch(R"({"count": 64})", shell("exec sleep 1000"));
  EXPECT_EQ(workers.size(), 64u);
  manager_.reset();
  for (auto& worker : workers) EXPECT_TRUE(has_ended(worker));
}

TEST_F(LocalManagerTest, MoreWorkersThanThereMayBeAreRefusedBeforeTheFirst) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  try {
    launch(R"({"count": 100})", shell("exit 0"));
    ADD_FAILURE() << "launched";
  } catch (const LaunchError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("100 local workers need some 500 descriptors in this process; there may be 200 (ulimit -n)"),
              0u)
        << text;
    EXPECT_NE(text.find("Launch at most "), std::string::npos) << text;
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(launched_.configs.empty());
}

}  // namespace
}  // namespace cohort::test
