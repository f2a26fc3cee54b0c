// Groups B, C, E: workers that come up in spite of something, and those that do not.

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <cohort/child_process.hpp>

#include "launch_fixture.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

std::string run_worker() { return "exec " + this_program() + " \"$@\""; }

TEST_F(LaunchTest, LinesBeforeTheAddressAreOutputNotErrors) {
  AddprocsOptions options;
  options.exename =
      directory_.script("launcher", "echo Welcome to host; echo cohort_worker:; echo motd >&2\n" + run_worker());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto pids = addprocs(2, options);
  for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
  rmprocs(pids);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "      From worker startup:\tWelcome to host\n      From worker startup:\tcohort_worker:\n"
            "      From worker startup:\tWelcome to host\n      From worker startup:\tcohort_worker:\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "      From worker startup:\tmotd\n      From worker startup:\tmotd\n");
}

TEST_F(LaunchTest, ALauncherThatExitsIsToldWithItsCodeAndItsLastLines) {
  const auto text = failure("echo looking around; echo no licence left >&2; exit 3");
  EXPECT_TRUE(contains(text, "worker 2 of manager 'local' did not come up (step: announce; command: ")) << text;
  EXPECT_TRUE(contains(text, directory_.path("launcher"))) << text;
  EXPECT_TRUE(contains(text,
                       "Unable to read host:port string from worker. Launch command exited with error? "
                       "The process: exited with code 3."))
      << text;
  EXPECT_TRUE(contains(text, "  no licence left\n")) << text;
  EXPECT_TRUE(contains(text, "main() begins with a cohort::Session")) << text;
}

TEST_F(LaunchTest, ALauncherThatIsKilledIsToldWithTheSignal) {
  const auto text = failure("kill -SEGV $$");
  EXPECT_TRUE(contains(text, "The process: killed by signal 11 (Segmentation fault).")) << text;
}

TEST_F(LaunchTest, ALauncherThatBabblesIsEnded) {
  const auto text = failure("i=0; while [ $i -le 1000 ]; do i=$((i+1)); echo babble $i; done; exec sleep 1000");
  EXPECT_TRUE(contains(text, "Unexpected output from worker launch command. Host:port string not found.\n")) << text;
  EXPECT_TRUE(contains(text, "  babble 1001\n")) << text;
  EXPECT_FALSE(contains(text, "signal")) << "its end is our doing: " << text;
  EXPECT_LT(took_, 20s);
}

TEST_F(LaunchTest, ALauncherThatStaysSilentIsEndedWhenTheTimeIsUp) {
  Timeouts timeouts;
  timeouts.launch = 1s;  // the program is to have spoken by then
  const auto text = failure("trap '' TERM; echo partition busy >&2; while :; do sleep 0.05; done", timeouts);
  EXPECT_TRUE(contains(text, "Timed out waiting to read host:port string from worker.\n")) << text;
  EXPECT_TRUE(contains(text, "  partition busy\n")) << text;
  EXPECT_TRUE(contains(text, "timeouts.launch (1 s)")) << text;
  EXPECT_GE(took_, 1s);
  EXPECT_LT(took_, 20s);
}

TEST_F(LaunchTest, AnAddressWhereNobodyListensIsToldWithWhatTheProcessDid) {
  const auto text = failure("echo cohort_worker:1#127.0.0.1; exit 4");
  EXPECT_TRUE(contains(text, "(step: connect; ")) << text;
  EXPECT_TRUE(contains(text, "cannot connect to 127.0.0.1:1: Connection refused")) << text;
  EXPECT_TRUE(contains(text, "exited with code 4")) << text;
}

TEST_F(LaunchTest, AnAddressWhereSomethingElseListensIsToldInTime) {
  const FileDescriptor mute(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(mute.get(), 5), 0);
  ASSERT_EQ(::getsockname(mute.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Timeouts timeouts;
  timeouts.handshake = 200ms;
  const auto text = failure(
      "echo cohort_worker:" + std::to_string(ntohs(address.sin_port)) + "#127.0.0.1; exec sleep 1000", timeouts);
  EXPECT_TRUE(contains(text, "(step: handshake; ")) << text;
  EXPECT_TRUE(contains(text, "timeouts.handshake (0.2 s)")) << text;
  EXPECT_LT(took_, 20s);
}

TEST_F(LaunchTest, AMissingProgramIsToldByName) {
  AddprocsOptions options;
  options.exename = "/no/such/program";
  EXPECT_EQ(thrown_by<LaunchError>([&] { addprocs(1, options); }),
            "manager 'local' could not launch its workers: cannot start '/no/such/program': No such file or directory");
}

TEST_F(LaunchTest, TheGoodWorkersStayAndAllFailuresAreTold) {
  // The first to make the directory comes up.
  AddprocsOptions options;
  options.exename =
      directory_.script("launcher", "mkdir " + directory_.path("first") + " 2>/dev/null || exit 9\n" + run_worker());
  try {
    addprocs(3, options);
    FAIL() << "nothing was thrown";
  } catch (const CompositeException& error) {
    EXPECT_EQ(error.size(), 2u);
    for (const auto& one : error.exceptions()) {
      EXPECT_TRUE(contains(message_of(one), "exited with code 9")) << message_of(one);
    }
  }
  ASSERT_EQ(nworkers(), 1);
  const Pid survivor = workers().front();
  EXPECT_NE(survivor, master_pid);
  EXPECT_EQ(remotecall_fetch([] { return procs(); }, survivor), procs());
  EXPECT_TRUE(addprocs(1).front() > 4) << "the ids of those that failed are not used again";
}

// A worker that somebody starts by hand.
class LoneWorkerTest : public LaunchTest {
 protected:
  static ChildProcess start(const std::string& input, const std::string& seconds) {
    SpawnOptions spawn;
    spawn.command = {this_program(), "--cohort-worker"};
    spawn.input = input;
    spawn.env["COHORT_WORKER_TIMEOUT"] = seconds;
    return ChildProcess::spawn(spawn);
  }
  static std::string read_all(int descriptor) {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::read(descriptor, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
    return text;
  }
};

TEST_F(LoneWorkerTest, WithoutAMasterItExitsAfterAWhile) {
  auto worker = start("a secret of somebody\n", "0.3");
  EXPECT_TRUE(read_all(worker.out()).starts_with("cohort_worker:"));
  EXPECT_EQ(read_all(worker.err()), "cohort: Master process (id 1) could not connect within 0.3 s.\nexiting.\n");
  const auto status = worker.wait_until(deadline_after(20s));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->text(), "exited with code 1");
}

TEST_F(LoneWorkerTest, WithoutACookieItExitsAtOnceAndSaysWhy) {
  auto worker = start("", "1000");
  EXPECT_EQ(read_all(worker.out()), "");
  EXPECT_EQ(read_all(worker.err()), "cohort: the worker cannot start: no cookie came by standard input\n");
  const auto status = worker.wait_until(deadline_after(20s));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->text(), "exited with code 1");
}

TEST_F(LoneWorkerTest, OneThatWaitsForItsCookieGivesUp) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor read_end(ends[0]), write_end(ends[1]);
  SpawnOptions spawn;
  spawn.command = {"/bin/sh", "-c", "exec \"$0\" --cohort-worker < /proc/$PPID/fd/" + std::to_string(read_end.get()),
                   this_program()};
  spawn.env["COHORT_WORKER_TIMEOUT"] = "0.2";
  auto worker = ChildProcess::spawn(spawn);
  EXPECT_EQ(read_all(worker.err()), "cohort: the worker cannot start: no cookie came by standard input\n");
  const auto status = worker.wait_until(deadline_after(20s));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->text(), "exited with code 1");
}

TEST_F(LoneWorkerTest, ATimeThatIsNoneIsRefused) {
  for (const char* seconds : {"inf", "-1", "0", "nan", "", "60s", "1,5", "never", "0x10"}) {
    auto worker = start("a secret of somebody\n", seconds);
    EXPECT_EQ(read_all(worker.out()), "") << seconds;
    EXPECT_EQ(read_all(worker.err()),
              std::string("cohort: the worker cannot start: COHORT_WORKER_TIMEOUT: expected a number of seconds, like "
                          "60 or 0.5, found '") +
                  seconds + "'\n");
    EXPECT_EQ(worker.wait_until(deadline_after(20s))->text(), "exited with code 1");
  }
}

TEST_F(LaunchTest, WorkersLaunchedBeforeAManagerThrowsStayAndItsMessageIsTold) {
  struct Breaking : LaunchingManager {
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      for (int i = 0; i < 2; i++) launched.push(start(params));
      throw std::runtime_error("quota exceeded");
    }
  };
  EXPECT_EQ(thrown_by<LaunchError>([] { addprocs(std::make_shared<Breaking>()); }),
            "manager 'of the program' could not launch its workers: quota exceeded");
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 3); }, 2), 3);
}

TEST_F(LaunchTest, WorkersAreSetUpWhileTheManagerStillLaunches) {
  struct Slow : LaunchingManager {
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      launched.push(start(params));
      joined_first = eventually([&] { return registered.load(); });
      launched.push(start(params));
    }
    void manage(Pid pid, WorkerConfig& config, ManageOp op) override {
      if (op == ManageOp::register_worker) registered = true;
      LaunchingManager::manage(pid, config, op);
    }
    std::atomic<bool> registered{false};
    bool joined_first = false;
  };
  const auto manager = std::make_shared<Slow>();
  EXPECT_EQ(addprocs(manager), (std::vector<Pid>{2, 3}));
  EXPECT_TRUE(manager->joined_first);
}

TEST_F(LaunchTest, NumbersOfAManagerThatMakeNoSenseAreToldAndTheWorkerIsEnded) {
  struct Wrong : LaunchingManager {
    explicit Wrong(int WorkerConfig::*wrong_number) : number(wrong_number) {}
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      WorkerConfig config = start(params);
      config.*number = -1;
      launched.push(std::move(config));
    }
    int WorkerConfig::*const number;
  };
  const auto problem_with = [](int WorkerConfig::*number) {
    return thrown_by<LaunchError>([number] { addprocs(std::make_shared<Wrong>(number)); });
  };
  const auto threads = problem_with(&WorkerConfig::threads);
  EXPECT_TRUE(contains(threads, "Its manager wrote threads = -1 into its WorkerConfig; a worker has at least 1."))
      << threads;
  const auto count = problem_with(&WorkerConfig::count);
  EXPECT_TRUE(contains(count, "Its manager wrote count = -1 into its WorkerConfig; at least 1 worker is on a host."))
      << count;
  const auto port = problem_with(&WorkerConfig::port);
  EXPECT_TRUE(contains(port, "Its manager wrote port = -1 into its WorkerConfig; ports are 0 to 65535.")) << port;
  EXPECT_TRUE(eventually([] { return children().empty(); }));
}

}  // namespace
}  // namespace cohort::test
