// What a machine has in place of the options: its environment, the shell that starts its workers, its address.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "../cluster/connections.hpp"
#include "ssh_test.hpp"

namespace cohort::test {
namespace {

using testing::UnorderedElementsAre;

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "unset" : value;
}

std::string variable_of(Pid pid, const std::string& name) { return remotecall_fetch(fn<variable>, pid, name); }

/// The addresses that this process is connected to by TCP, one for each connection.
std::vector<std::string> peers() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(std::stoi(entry.path().filename()), reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    char text[INET_ADDRSTRLEN] = "";
    if (peer.sin_family == AF_INET) found.emplace_back(::inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text));
  }
  return found;
}

class SshOverridesTest : public SshTest {
 protected:
  /// The workers of the machine at this address, which ssh tells to all that it starts.
  static std::vector<Pid> at(const std::string& address) {
    std::vector<Pid> found;
    for (const Pid pid : workers())
      if (contains(variable_of(pid, "SSH_CONNECTION"), ' ' + address + ' ')) found.push_back(pid);
    return found;
  }
};

TEST_F(SshOverridesTest, VariablesOfAMachineGoToAllItsWorkersAndToNoOthers) {
  auto& server = serve();
  addprocs("ssh", server.options(R"(["2*127.0.0.1 env.COHORT_A=\"its own\" env.COHORT_B= env.COHORT_C=back",
                                     "127.0.0.2"])",
                                 R"("env": {"COHORT_A": "all", "COHORT_C": null, "COHORT_D": "all"})"));
  ASSERT_EQ(at("127.0.0.1").size(), 2u);
  for (const Pid pid : at("127.0.0.1")) {
    EXPECT_EQ(variable_of(pid, "COHORT_A"), "its own");
    EXPECT_EQ(variable_of(pid, "COHORT_B"), "");
    EXPECT_EQ(variable_of(pid, "COHORT_C"), "back");
    EXPECT_EQ(variable_of(pid, "COHORT_D"), "all");
  }
  ASSERT_EQ(at("127.0.0.2").size(), 1u);
  const Pid other = at("127.0.0.2").front();
  EXPECT_EQ(variable_of(other, "COHORT_A"), "all");
  EXPECT_EQ(variable_of(other, "COHORT_B"), "unset");
  EXPECT_EQ(variable_of(other, "COHORT_C"), "unset");
}

TEST_F(SshOverridesTest, ALoginShellReadsTheProfile) {
  auto& server = serve();
  server.write("home/.bash_profile",
               "export COHORT_PROFILE=read COHORT_BOTH=profile\necho Welcome\necho to all >&2\nprintf unfinished\n");
  addprocs("ssh",
           server.options(R"(["2*127.0.0.1 shell=\"bash -l\"", "127.0.0.2"])", R"("env": {"COHORT_BOTH": "option"})"));
  ASSERT_EQ(at("127.0.0.1").size(), 2u);
  for (const Pid pid : at("127.0.0.1")) {
    EXPECT_EQ(variable_of(pid, "COHORT_PROFILE"), "read");
    EXPECT_EQ(variable_of(pid, "COHORT_BOTH"), "option");
  }
  ASSERT_EQ(at("127.0.0.2").size(), 1u);
  EXPECT_EQ(variable_of(at("127.0.0.2").front(), "COHORT_PROFILE"), "unset");
}

TEST_F(SshOverridesTest, TheShellMayBeSaidForAllMachines) {
  auto& server = serve("ForceCommand exec csh -c \"$SSH_ORIGINAL_COMMAND\"");
  if (::access("/bin/csh", X_OK) != 0) GTEST_SKIP() << "there is no /bin/csh";
  server.write("home/.bash_profile", "export COHORT_PROFILE=read\n");
  const auto pids =
      addprocs("ssh", server.options(R"(["127.0.0.1", "127.0.0.2 shell=/bin/sh"])", R"("shell": "bash -l")"));
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_EQ(variable_of(at("127.0.0.1").at(0), "COHORT_PROFILE"), "read");
  EXPECT_EQ(variable_of(at("127.0.0.2").at(0), "COHORT_PROFILE"), "unset");
}

TEST_F(SshOverridesTest, AShellThatIsMissingIsNamed) {
  auto& server = serve();
  const auto for_all = failure(server.options(R"(["127.0.0.1"])", R"("shell": "no-such-shell -l")"));
  EXPECT_THAT(for_all, HasSubstr("127.0.0.1: exec: the shell 'no-such-shell -l' cannot be started"));
  EXPECT_THAT(for_all, HasSubstr("ssh HOST no-such-shell -l -c true"));
  const auto of_one = failure(server.options(R"(["127.0.0.2 shell=/no/such/shell"])"));
  EXPECT_THAT(of_one, HasSubstr("127.0.0.2: exec: the shell '/no/such/shell' cannot be started"));
  EXPECT_THAT(of_one, HasSubstr("'shell' names another"));
  EXPECT_EQ(nworkers(), 1);  // the master alone
}

TEST_F(SshOverridesTest, AProgramThatIsNoShellIsShownWithWhatItPrinted) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.1 shell=/bin/cat"])"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: the shell '/bin/cat' exited with code 1 before it started anything"));
  EXPECT_THAT(text, HasSubstr("invalid option"));
}

TEST_F(SshOverridesTest, TheAddressIsWhatTheMasterAndTheOtherWorkersDial) {
  auto& server = serve();
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1 0.0.0.0 advertise=127.0.0.2"])"));
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  EXPECT_THAT(peers(), UnorderedElementsAre("127.0.0.1", "127.0.0.2", "127.0.0.2"));  // the sshd, and the workers
  int dialled = 0;
  for (const Pid pid : pids) {
    const auto all = remotecall_fetch(fn<peers>, pid);
    dialled += static_cast<int>(std::count(all.begin(), all.end(), "127.0.0.2"));
  }
  EXPECT_EQ(dialled, 1);  // one of them by the other
}

TEST_F(SshOverridesTest, TheAddressIsDialledFromTheServerWithATunnel) {
  auto& server = serve("PermitOpen 127.0.0.2:*");
  const auto pids =
      addprocs("ssh", server.options(R"(["2*127.0.0.1 0.0.0.0 advertise=127.0.0.2"])", R"("tunnel": true)"));
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  EXPECT_THAT(peers(), UnorderedElementsAre("127.0.0.1"));
}

TEST_F(SshOverridesTest, AnAddressThatCannotBeReachedIsNamed) {
  auto& server = serve();
  for (const std::string tunnel : {"false", "true"}) {
    const auto text = failure(server.options(R"(["127.0.0.1 advertise=127.0.0.9"])", R"("tunnel": )" + tunnel));
    EXPECT_THAT(text, HasSubstr("step: connect")) << tunnel;
    EXPECT_THAT(text, HasSubstr("127.0.0.9")) << tunnel;
  }
}

TEST_F(SshOverridesTest, AnAddressGoesWithTcpOnly) {
  auto& server = serve();
  const auto file = ClusterFile::parse(R"({"version": 1, "transport": "unix", "managers": [
      {"plugin": "ssh", "options": )" + server.options(R"(["127.0.0.1 advertise=127.0.0.2"])") +
                                           "}]}",
                                       "test");
  EXPECT_THAT(thrown_within(0s, [&] { addprocs(file); }), HasSubstr("advertise: goes with the transports tcp and tls"));
}

TEST_F(SshOverridesTest, WhatMakesNoSenseIsRefusedBeforeAnyLogin) {
  auto& server = serve();
  const std::pair<const char*, const char*> bad[] = {{R"(["127.0.0.1 env.1A=1"])", "'1A' is no name"},
                                                     {R"(["127.0.0.1 shell=$SHELL"])", "shell: '$SHELL' is not"},
                                                     {R"(["127.0.0.1 advertise=a:1"])", "advertise: 'a:1'"},
                                                     {R"(["127.0.0.1 dir=\"/a b"])", "closing '\"' is missing"}};
  for (const auto& [machines, why] : bad) {
    const auto options = server.options(machines);
    const auto text = thrown_within<ConfigError>(0s, [&] { addprocs("ssh", options); });
    EXPECT_THAT(text, HasSubstr("invalid machine '127.0.0.1 ")) << machines;
    EXPECT_THAT(text, HasSubstr(why)) << machines;
  }
  const std::string shell = server.options(R"(["127.0.0.1"])", R"("shell": "bash; id")");
  EXPECT_THAT(thrown_within<ConfigError>(0s, [&] { addprocs("ssh", shell); }), HasSubstr("shell: 'bash; id' is not"));
  EXPECT_EQ(server.logins(), 0u);
}

TEST_F(SshOverridesTest, DirectoriesMayHaveBlanksInTheirNames) {
  auto& server = serve();
  std::filesystem::create_directory(server.path("my data"));
  const auto pids = addprocs("ssh", server.options(R"(["2*127.0.0.1 dir=\")" + server.path("my data") + R"(\""])"));
  for (const Pid pid : pids)
    EXPECT_EQ(remotecall_fetch([] { return std::filesystem::current_path().string(); }, pid), server.path("my data"));
}

}  // namespace
}  // namespace cohort::test
