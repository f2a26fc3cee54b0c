#include <cohort/child_process.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "pipe_pair.hpp"

namespace cohort::test {
namespace {

SpawnOptions shell(const std::string& script) {
  SpawnOptions options;
  options.command = {"/bin/sh", "-c", script};
  return options;
}

std::string output_of(const SpawnOptions& options) {
  auto child = ChildProcess::spawn(options);
  std::string text = read_to_end(child.out());
  EXPECT_TRUE(child.wait_until(patience()));
  return text;
}

std::string failure_of(const SpawnOptions& options) {
  try {
    ChildProcess::spawn(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "started";
}

class ChildProcessTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process or a zombie was left behind";
    EXPECT_EQ(errno, ECHILD);
  }
};

TEST_F(ChildProcessTest, CapturesBothOutputsAndTheExitCode) {
  auto child = ChildProcess::spawn(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(read_to_end(child.out()), "out\n");
  EXPECT_EQ(read_to_end(child.err()), "err\n");
  const auto status = child.wait_until(patience());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->text(), "exited with code 3");
  EXPECT_EQ(child.poll()->code, 3) << "the status can be asked for again";
}

TEST_F(ChildProcessTest, NamesTheSignalThatKilled) {
  auto child = ChildProcess::spawn(shell("kill -9 $$"));
  EXPECT_EQ(child.wait_until(patience())->text(), "killed by signal 9 (Killed)");
}

TEST_F(ChildProcessTest, StandardInputIsTheInputThenTheEnd) {
  SpawnOptions options = shell("cat; echo end");
  EXPECT_EQ(output_of(options), "end\n");
  options.input = "secret\n";
  EXPECT_EQ(output_of(options), "secret\nend\n");
  options = shell("wc -c");
  options.input.assign(64 * 1024, 'x');
  EXPECT_EQ(output_of(options), "65536\n");
  options.input += 'x';
  EXPECT_NE(failure_of(options).find("65536 bytes, not 65537"), std::string::npos);
}

TEST_F(ChildProcessTest, RunsInTheDirectoryWithTheChangedEnvironment) {
  ::setenv("COHORT_TEST_REMOVED", "1", 1);
  ::setenv("COHORT_TEST_CHANGED", "1", 1);
  ::setenv("COHORT_TEST_KEPT", "kept", 1);
  SpawnOptions options =
      shell("pwd; echo ${COHORT_TEST_REMOVED-gone} $COHORT_TEST_CHANGED $COHORT_TEST_KEPT $COHORT_TEST_NEW");
  options.dir = "/usr";
  options.env = {{"COHORT_TEST_REMOVED", std::nullopt}, {"COHORT_TEST_CHANGED", "2"}, {"COHORT_TEST_NEW", "a=b"}};
  EXPECT_EQ(output_of(options), "/usr\ngone 2 kept a=b\n");
}

TEST_F(ChildProcessTest, SaysWhatIsMissing) {
  SpawnOptions options;
  options.command = {"/no/such/program"};
  EXPECT_EQ(failure_of(options), "cannot start '/no/such/program': No such file or directory");
  options.dir = "/tmp";
  options.command = {"./no-such-program"};
  EXPECT_EQ(failure_of(options), "cannot start './no-such-program' in '/tmp': No such file or directory");
  options.command = {"/bin/true"};
  options.dir = "/no/such/dir";
  EXPECT_EQ(failure_of(options),
            "cannot start '/bin/true': working directory '/no/such/dir': No such file or directory");
  options.dir = "/bin/true";
  EXPECT_EQ(failure_of(options), "cannot start '/bin/true': working directory '/bin/true': Not a directory");
  options = {};
  options.command = {"no-such-program-in-path"};
  EXPECT_EQ(failure_of(options),
            "cannot start 'no-such-program-in-path': No such file or directory (not found in PATH)");
  options.command = {"/etc/passwd"};
  EXPECT_EQ(failure_of(options), "cannot start '/etc/passwd': Permission denied");
  options.command = {};
  EXPECT_EQ(failure_of(options), "cannot start a process: no program given");
}

TEST_F(ChildProcessTest, InheritsNoOtherDescriptor) {
  PipePair inheritable;
  ::fcntl(inheritable.write.get(), F_SETFD, 0);
  const std::string listing = output_of(shell("ls /proc/self/fd"));
  EXPECT_EQ(listing, "0\n1\n2\n3\n") << "3 is ls reading the directory";
}

TEST_F(ChildProcessTest, StartsWithNoSignalBlockedOrIgnored) {
  std::string status;
  std::thread([&] {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    status = output_of(shell("sed -nE 's/^Sig(Blk|Ign):.*(.{7})$/\\1 \\2/p' /proc/self/status"));
    ::signal(SIGPIPE, before);
  }).join();
  EXPECT_EQ(status, "Blk 0000000\nIgn 0000000\n");
}

TEST_F(ChildProcessTest, WaitEndsAtTheDeadlineWhileTheProcessRuns) {
  auto child = ChildProcess::spawn(shell("read x; sleep 1000"));
  EXPECT_FALSE(child.poll());
  EXPECT_FALSE(child.wait_until(Clock::now() + 20ms));
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait_until(patience())->text(), "killed by signal 15 (Terminated)");
  child.signal(SIGTERM);  // no effect, and no harm to whoever has the number now
}

TEST_F(ChildProcessTest, TheDestructorKillsItAndWhatItStarted) {
  PipePair alive;  // its write end is inherited as standard error: its end tells that all holders are gone
  {
    SpawnOptions options = shell("sleep 1000 & echo started; trap '' TERM; wait");
    auto child = ChildProcess::spawn(options);
    EXPECT_EQ(read_until(child.out(), [](const std::string& text) { return text.ends_with('\n'); }), "started\n");
    alive.read.reset(child.take_err());
  }
  EXPECT_EQ(read_to_end(alive.read.get()), "");
}

TEST_F(ChildProcessTest, SurvivesThatSomeoneElseTookTheStatus) {
  auto child = ChildProcess::spawn(shell("exit 3"));
  EXPECT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
  EXPECT_EQ(child.wait_until(patience())->text(),
            "ended with unknown status (this program ignores SIGCHLD, or took the status elsewhere)");
}

TEST_F(ChildProcessTest, IsBoundToTheCpusGiven) {
  cpu_set_t own;
  ASSERT_EQ(::sched_getaffinity(0, sizeof own, &own), 0);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &own)) last = cpu;
  SpawnOptions options = shell("read go; grep Cpus_allowed_list /proc/self/status");
  options.cpus = {last};
  options.input = "go\n";
  auto child = ChildProcess::spawn(options);
  EXPECT_EQ(read_to_end(child.out()), "Cpus_allowed_list:\t" + std::to_string(last) + "\n");
  options.cpus = {CPU_SETSIZE - 1};
  EXPECT_NE(failure_of(options).find("CPU " + std::to_string(CPU_SETSIZE - 1)), std::string::npos);
}

TEST_F(ChildProcessTest, MovesWithItsProcess) {
  auto first = ChildProcess::spawn(shell("exit 1"));
  auto second = ChildProcess::spawn(shell("sleep 1000"));
  second = std::move(first);  // ends the sleeping one
  EXPECT_EQ(second.wait_until(patience())->code, 1);
  EXPECT_FALSE(first.poll());
  first.signal(SIGKILL);
}

TEST_F(ChildProcessTest, MayDieWithTheThreadThatStartedIt) {
  for (const bool die_with_parent : {true, false}) {
    auto options = shell("exec sleep 1000");
    options.die_with_parent = die_with_parent;
    std::optional<ChildProcess> child;
    std::thread([&] { child.emplace(ChildProcess::spawn(options)); }).join();
    if (!die_with_parent) child->signal(SIGTERM);
    const auto status = child->wait_until(patience());
    ASSERT_TRUE(status);
    EXPECT_EQ(status->text(), die_with_parent ? "killed by signal 9 (Killed)" : "killed by signal 15 (Terminated)");
  }
}

TEST_F(ChildProcessTest, TerminateAsksAndThenInsists) {
  using namespace std::chrono_literals;
  auto obeying = ChildProcess::spawn(shell("trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done"));
  auto stubborn = ChildProcess::spawn(shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
  for (auto* child : {&obeying, &stubborn}) {
    EXPECT_EQ(read_until(child->out(), [](const std::string& text) { return text.ends_with('\n'); }), "ready\n");
  }
  EXPECT_EQ(obeying.terminate(60s, 60s)->text(), "exited with code 4");
  EXPECT_EQ(stubborn.terminate(50ms, 60s)->text(), "killed by signal 9 (Killed)");
}

// As in valgrind, and on kernels before 5.3.
TEST_F(ChildProcessTest, NeedsNoPidfd) {
  std::thread([] {  // the filter is this thread's and its children's
    sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog filter{std::size(rules), rules};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    ASSERT_EQ(::syscall(SYS_pidfd_open, ::getpid(), 0), -1);

    auto first = ChildProcess::spawn(shell("read line; exit 3"));
    auto child = std::move(first);
    EXPECT_FALSE(first.poll());
    EXPECT_EQ(child.wait_until(patience())->text(), "exited with code 3");
    auto endless = ChildProcess::spawn(shell("exec sleep 1000"));
    EXPECT_FALSE(endless.poll());
    EXPECT_FALSE(endless.wait_until(Clock::now()));
    EXPECT_EQ(endless.terminate(30s, 30s)->text(), "killed by signal 15 (Terminated)");
    ChildProcess::spawn(shell("exec sleep 1000"));  // is ended with its object
  })
      .join();
}

TEST_F(ChildProcessTest, EndsWhatIsLeftOfTheSessionWhereThatIsWanted) {
  for (const bool wanted : {false, true}) {
    SpawnOptions options = shell("sleep 1000 > /dev/null 2>&1 & echo $!");
    options.end_with_children = wanted;
    auto child = ChildProcess::spawn(options);
    const int left = std::stoi(read_until(child.out(), [](const std::string& text) { return text.ends_with('\n'); }));
    EXPECT_TRUE(child.wait_until(patience()));
    const FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, left, 0)));
    pollfd ended{pidfd.get(), POLLIN, 0};
    if (wanted) {
      EXPECT_TRUE(!pidfd || ::poll(&ended, 1, 30'000) == 1);
    } else {
      EXPECT_EQ(::poll(&ended, 1, 0), 0);
      ::kill(left, SIGKILL);
    }
  }
}

}  // namespace
}  // namespace cohort::test
