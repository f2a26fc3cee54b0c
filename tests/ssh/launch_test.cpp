// Logins and launches that go well, under all sorts of circumstances.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "../cluster/captured_stderr.hpp"
#include "../cluster/connections.hpp"
#include "ssh_test.hpp"

namespace cohort::test {
namespace {

class SshLaunchTest : public SshTest {};

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "unset" : value;
}

std::string directory() { return std::filesystem::current_path(); }

TEST_F(SshLaunchTest, OneLoginServesAllWorkersOfAMachine) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["4*127.0.0.1"])"));
  ASSERT_EQ(pids.size(), 4u);
  for (const Pid from : pids)
    for (const Pid to : pids) EXPECT_EQ(ask(from, to), to);
  EXPECT_EQ(server.logins(), 1u);
}

TEST_F(SshLaunchTest, TheCountIsDealtOutOverTheMachines) {
  auto& server = serve();
  EXPECT_EQ(addprocs("ssh", server.options(R"(["127.0.0.1", "127.0.0.2"])", R"("count": 5)")).size(), 5u);
  EXPECT_EQ(server.logins(), 2u);
}

TEST_F(SshLaunchTest, AutoIsOneWorkerForEachCpu) {
  auto& server = serve();
  EXPECT_EQ(addprocs("ssh", server.options(R"(["auto*127.0.0.1"])")).size(), std::thread::hardware_concurrency());
}

TEST_F(SshLaunchTest, AServerWithMaxStartupsIsAskedAgain) {
  auto& server = serve("MaxStartups 3");
  const auto pids = addprocs("ssh", server.options(R"(["127.0.0.[1-16]"])"));
  EXPECT_EQ(pids.size(), 16u);
  EXPECT_EQ(server.logins(), 16u);
  EXPECT_THAT(server.log(), HasSubstr("past MaxStartups"));
}

TEST_F(SshLaunchTest, SettingsReachAllWorkersOfAMachine) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1"])", R"("dir": "/usr", "threads": 2,
      "env": {"COHORT_TEST_TEXT": "it's \"$HOME\"", "HOME": null}, "exeflags": ["--own-flag"])"));
  ASSERT_EQ(pids.size(), 2u);
  for (const Pid pid : pids) {
    EXPECT_EQ(remotecall_fetch(fn<directory>, pid), "/usr");
    EXPECT_EQ(remotecall_fetch(fn<variable>, pid, std::string("COHORT_TEST_TEXT")), "it's \"$HOME\"");
    EXPECT_EQ(remotecall_fetch(fn<variable>, pid, std::string("HOME")), "unset");
  }
}

TEST_F(SshLaunchTest, AMachineMayHaveItsOwnSettings) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["127.0.0.1 dir=/usr", "127.0.0.2"])", R"("dir": "/")"));
  ASSERT_EQ(pids.size(), 2u);
  std::set<std::string> directories;
  for (const Pid pid : pids) directories.insert(remotecall_fetch(fn<directory>, pid));
  EXPECT_EQ(directories, (std::set<std::string>{"/", "/usr"}));
}

TEST_F(SshLaunchTest, MachinesMayBeInAFile) {
  auto& server = serve();
  server.write("machines", "# two\n127.0.0.1\n127.0.0.2 127.0.0.3\n");
  const auto pids = addprocs("ssh", server.options("[]", R"("machine_file": ")" + server.path("machines") + '"'));
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
}

TEST_F(SshLaunchTest, NoiseOfProfilesIsNoHarm) {
  auto& server = serve("ForceCommand DIR/profile");
  server.write(
      "profile",
      "#!/bin/sh\nseq 5000\necho 'no terminal' >&2\nprintf 'Welcome! '\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n", true);
  const CapturedStderr captured;
  const auto pids = addprocs("ssh", server.options());
  ASSERT_EQ(pids.size(), 1u);
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[0]), pids[0]);
}

TEST_F(SshLaunchTest, ABashrcThatPrintsIsNoHarm) {
  auto& server = serve("SetEnv HOME=DIR/home");
  server.write("home/.bashrc", "echo hello from the profile\necho and its errors >&2\nprintf unfinished\n");
  EXPECT_EQ(addprocs("ssh", server.options()).size(), 1u);
}

TEST_F(SshLaunchTest, ASlowShellIsWaitedFor) {
  auto& server = serve("ForceCommand sleep 1; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"");
  EXPECT_EQ(addprocs("ssh", server.options()).size(), 1u);
}

class SshLoginShellTest : public SshTest, public testing::WithParamInterface<const char*> {};

TEST_P(SshLoginShellTest, TakesTheLaunch) {
  const std::string shell = GetParam();
  if (::access(shell.c_str(), X_OK) != 0) GTEST_SKIP() << "there is no " << shell;
  auto& server = serve("ForceCommand exec " + shell + " -c \"$SSH_ORIGINAL_COMMAND\"");
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1"])", R"("env": {"T": "a 'b' !c"})"));
  ASSERT_EQ(pids.size(), 2u);
  for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch(fn<variable>, pid, std::string("T")), "a 'b' !c");
}

INSTANTIATE_TEST_SUITE_P(Shells, SshLoginShellTest,
                         testing::Values("/bin/bash", "/bin/csh", "/bin/tcsh", "/bin/zsh", "/usr/bin/fish"),
                         [](const auto& shell) { return std::filesystem::path(shell.param).filename().string(); });

TEST_F(SshLaunchTest, TheUsersConfigIsReadWhenAskedFor) {
  auto& server = serve();
  std::filesystem::create_directory(server.path("home/.ssh"));
  server.write("home/.ssh/config", "Host lab\n  HostName 127.0.0.2\n  Port " + std::to_string(server.port()) +
                                       "\n  IdentityFile " + server.path("key") + "\n  UserKnownHostsFile " +
                                       server.path("known_hosts") + "\n");
  ::setenv("HOME", server.path("home").c_str(), 1);
  ::unsetenv("SSH_AUTH_SOCK");
  EXPECT_THAT(failure(R"({"machines": ["lab"]})", {}, 30s), HasSubstr("lab: resolve: "));
  EXPECT_EQ(addprocs("ssh", R"({"machines": ["lab"], "use_config": true})").size(), 1u);
}

TEST_F(SshLaunchTest, TheUsersOwnKeysAndKnownHostsAreTheDefault) {
  auto& server = serve();
  std::filesystem::create_directory(server.path("home/.ssh"));
  std::filesystem::copy_file(server.path("key"), server.path("home/.ssh/id_ed25519"));
  std::filesystem::copy_file(server.path("known_hosts"), server.path("home/.ssh/known_hosts"));
  ::setenv("HOME", server.path("home").c_str(), 1);
  ::unsetenv("SSH_AUTH_SOCK");
  EXPECT_EQ(addprocs("ssh", R"({"machines": ["127.0.0.1:)" + std::to_string(server.port()) + R"("]})").size(), 1u);
}

TEST_F(SshLaunchTest, AnAgentMayHoldTheKey) {
  auto& server = serve();
  SpawnOptions spawn;
  spawn.command = {"ssh-agent", "-D", "-a", server.path("agent")};
  spawn.die_with_parent = true;
  auto agent = ChildProcess::spawn(spawn);
  ASSERT_TRUE(eventually([&] { return std::filesystem::is_socket(server.path("agent")); }));
  ::setenv("SSH_AUTH_SOCK", server.path("agent").c_str(), 1);
  ::setenv("HOME", server.path("home").c_str(), 1);
  server.make_key("locked", "ed25519", "secret");
  const std::string options = R"({"machines": ["127.0.0.1"], "port": )" + std::to_string(server.port()) +
                              R"(, "known_hosts": ")" + server.path("known_hosts") + R"("})";
  EXPECT_THAT(failure(options), HasSubstr("auth: "));
  spawn.command = {"ssh-add", "-q", server.path("key")};
  auto add = ChildProcess::spawn(spawn);
  ASSERT_EQ(add.wait_until(Clock::now() + 60s)->code, 0);
  EXPECT_EQ(addprocs("ssh", options).size(), 1u);
  agent.terminate(10s, 10s);
}

}  // namespace
}  // namespace cohort::test
