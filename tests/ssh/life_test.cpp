// What becomes of workers on other machines: interrupts, ends and their causes, and the end of the master or of the
// link.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>

#include "../cluster/captured_stderr.hpp"
#include "../cluster/processes.hpp"
#include "ssh_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

class SshLifeTest : public SshTest {};

int process_id() { return ::getpid(); }
int raise_signal(int number) { return ::raise(number); }
int leave_with(int code) { std::_Exit(code); }
void say(const std::string& out, const std::string& err) {
  std::cout << out << std::endl;
  std::cerr << err << std::endl;
}

TEST_F(SshLifeTest, WhatWorkersPrintComesHere) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1"])"));
  const CapturedStderr captured;
  for (const Pid pid : pids) remotecall_wait(fn<say>, pid, std::string("out"), "err " + std::to_string(pid));
  for (const Pid pid : pids)
    EXPECT_TRUE(eventually([&] { return captured.has("err " + std::to_string(pid)); })) << captured.text();
}

TEST_F(SshLifeTest, ASignalThatEndsAWorkerIsTold) {
  auto& server = serve();
  const Pid pid = addprocs("ssh", server.options()).front();
  const auto text =
      thrown_within<ProcessExitedException>(0s, [&] { remotecall_fetch(fn<raise_signal>, pid, SIGKILL); });
  EXPECT_THAT(text, HasSubstr("killed by signal 9 (Killed)"));
}

TEST_F(SshLifeTest, TheExitCodeOfAWorkerIsTold) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1"])"));
  for (std::size_t i : {1, 0}) {  // the first one takes the others along
    const int code = static_cast<int>(37 + i);
    const auto text =
        thrown_within<ProcessExitedException>(0s, [&] { remotecall_fetch(fn<leave_with>, pids[i], code); });
    EXPECT_THAT(text, HasSubstr("exited with code " + std::to_string(code)));
  }
}

std::atomic<int> signalled{0};

int wait_for_a_signal() {
  ::signal(SIGINT, [](int) { signalled = 1; });
  eventually([] { return signalled != 0; }, 60s);
  return signalled;
}

TEST_F(SshLifeTest, AnInterruptReachesAdditionalWorkersThatDoNotListen) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1"])"));
  auto waiting = remotecall(fn<wait_for_a_signal>, pids[1]);
  EXPECT_TRUE(eventually([&] {  // it may not have begun yet
    interrupt({pids[1]});
    return waiting.wait_for(100ms);
  }));
  EXPECT_EQ(waiting.fetch(), 1);
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[0]), pids[0]);
}

TEST_F(SshLifeTest, AnAdditionalWorkerThatIsKilledLeavesTheOthersAlone) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["3*127.0.0.1"])", R"("tunnel": true)"));
  EXPECT_THROW(remotecall_fetch(fn<raise_signal>, pids[1], SIGKILL), ProcessExitedException);
  EXPECT_EQ(workers(), (std::vector<Pid>{pids[0], pids[2]}));
}

TEST_F(SshLifeTest, ASessionThatIsLostIsTheCauseOfItsTunnelledWorkers) {
  auto& server = serve();
  const Pid pid = addprocs("ssh", server.options(R"(["127.0.0.1"])", R"("tunnel": true)")).front();
  const int worker = remotecall_fetch(fn<process_id>, pid);
  // The server's process for our session is the worker's parent.
  ASSERT_EQ(::kill(state_of(worker).parent, SIGKILL), 0);
  const auto text = thrown_within<ProcessExitedException>(0s, [&] {
    for (;;) remotecall_fetch(fn<process_id>, pid);
  });
  EXPECT_THAT(text, HasSubstr("ssh connection was lost"));
  EXPECT_TRUE(eventually([&] { return !is_running(worker); }, slack));  // the kernel closed its connection
}

TEST_F(SshLifeTest, AMachineThatStandsStillIsGivenUp) {
  auto& server = serve();
  AddprocsOptions how;
  auto& timeouts = how.timeouts.emplace();
  timeouts.heartbeat = 100ms;
  timeouts.suspect = 300ms;
  timeouts.dead = 1s;
  timeouts.shutdown = timeouts.term = timeouts.kill = 300ms;
  const Pid pid = addprocs("ssh", server.options(R"(["127.0.0.1"])", R"("tunnel": true)"), how).front();
  const int worker = remotecall_fetch(fn<process_id>, pid), session = state_of(worker).parent;
  const auto waiting = remotecall(fn<wait_for_a_signal>, pid);
  for (const int each : {session, worker}) ::kill(each, SIGSTOP);
  EXPECT_NE(thrown_within<ProcessExitedException>(timeouts.dead, [&] { waiting.fetch(); }), "");
  EXPECT_EQ(thrown_within(5s, [&] { rmprocs(pid); }), "");  // for a signal that nobody over there sends
  for (const int each : {worker, session}) ::kill(each, SIGKILL);
}

TEST_F(SshLifeTest, NothingIsLeftWhenTheMasterIsKilled) {
  auto& server = serve();
  for (const std::string tunnel : {"false", "true"}) {
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "exec",
                     "-m",        "ssh",
                     "--options", server.options(R"(["2*127.0.0.1"])", R"("tunnel": )" + tunnel),
                     "--",        "sh",
                     "-c",        "echo $$ >>" + server.path("pids") + tunnel + "; exec sleep 1000"};
    auto master = ChildProcess::spawn(spawn);
    std::vector<int> pids;
    ASSERT_TRUE(eventually([&] {
      pids.clear();
      std::ifstream file(server.path("pids") + tunnel);
      for (int pid; file >> pid;) pids.push_back(pid);
      return pids.size() == 2;
    }));
    for (const int pid : std::vector(pids)) pids.push_back(state_of(pid).parent);  // the workers
    master.signal(SIGKILL);
    for (const int pid : pids)
      EXPECT_TRUE(eventually([&] { return !is_running(pid); }, slack)) << pid << ' ' << state_of(pid).state;
  }
}

}  // namespace
}  // namespace cohort::test
