// The test bed itself: what the other tests take for granted.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "../cluster/cluster_test.hpp"
#include "host_bed.hpp"

namespace cohort::test {
namespace {

struct Ran {
  std::string out, err;
  int code = -1;
};

// What the ssh client makes of a command on that host.
Ran ssh(const HostBed& bed, const SshHost& host, const std::string& command, const std::string& more = "") {
  const std::string files = bed.directory() / "ran";
  const std::string line = "ssh -F " + bed.ssh_config().string() + ' ' + more + ' ' + host.name + " '" + command +
                           "' >" + files + ".out 2>" + files + ".err </dev/null";
  const int status = std::system(line.c_str());
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  return {text(files + ".out"), text(files + ".err"), WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(HostBedTest, EveryHostLetsTheUserInAndHasAHomeOfItsOwn) {
  HostBed bed(3);
  EXPECT_FALSE(bed.isolated() && std::getenv("COHORT_TESTBED") != nullptr);  // it says "loopback"
  ASSERT_EQ(bed.hosts().size(), 3);
  for (const SshHost& host : bed.hosts()) {
    const Ran ran = ssh(bed, host, "echo $HOME");
    EXPECT_EQ(ran.out, bed.home(host).string() + '\n') << ran.err;
  }
}

TEST(HostBedTest, HostsHaveNamesProcessesAndNetworksOfTheirOwn) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  EXPECT_EQ(ssh(bed, bed[1], "hostname; cat /proc/1/comm; ls /dev/shm").out, "h2\nsshd\n");
  EXPECT_EQ(bed.run(bed[0], "hostname"), "h1\n");
  EXPECT_EQ(ssh(bed, bed[0], "getent hosts h2; getent hosts head; exec 3<>/dev/tcp/h2/22 && echo reached").out,
            bed[1].address + "       h2\n10.77.0.254     head\nreached\n");
}

TEST(HostBedTest, StrangersAndHostsOfUnknownOrChangedKeyAreRefused) {
  HostBed bed(3);
  const Ran stranger = ssh(bed, bed[0], "true", "-F /dev/null -o IdentitiesOnly=yes -i " + bed.stranger_key().string());
  EXPECT_EQ(stranger.code, 255);
  bed.forget_key(bed[1]);
  const Ran unknown = ssh(bed, bed[1], "true");
  EXPECT_TRUE(contains(unknown.err, "host key is known")) << unknown.err;
  bed.change_key(bed[2]);
  const Ran changed = ssh(bed, bed[2], "true");
  EXPECT_TRUE(contains(changed.err, "HAS CHANGED")) << changed.err;
  EXPECT_EQ(ssh(bed, bed[0], "true").code, 0);
}

TEST(HostBedTest, ACutHostIsSilentUntilItIsJoined) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  bed.cut(bed[0]);
  const Ran silent = ssh(bed, bed[0], "true", "-o ConnectTimeout=1");
  EXPECT_TRUE(contains(silent.err, "timed out")) << silent.err;
  EXPECT_EQ(ssh(bed, bed[1], "true").code, 0);
  bed.join(bed[0]);
  EXPECT_EQ(ssh(bed, bed[0], "true").code, 0);
}

TEST(HostBedTest, AFrozenHostAcceptsConnectionsAndSaysNothing) {
  HostBed bed(1);
  SKIP_UNLESS_ISOLATED(bed);
  bed.freeze(bed[0]);
  const Ran frozen = ssh(bed, bed[0], "true", "-o ConnectTimeout=1");
  EXPECT_TRUE(contains(frozen.err, "banner exchange")) << frozen.err;
  bed.thaw(bed[0]);
  EXPECT_EQ(ssh(bed, bed[0], "true").code, 0);
}

TEST(HostBedTest, AHostThatLostItsPowerBootsAgainWithoutItsProcesses) {
  HostBed bed(1);
  SKIP_UNLESS_ISOLATED(bed);
  EXPECT_EQ(ssh(bed, bed[0], "setsid sleep 1000 >/dev/null 2>&1 & echo started").out, "started\n");
  EXPECT_TRUE(eventually([&] { return bed.processes(bed[0]) == std::vector<std::string>{"sleep 1000"}; }));
  bed.power_off(bed[0]);
  bed.boot(bed[0]);
  EXPECT_EQ(bed.processes(bed[0]), std::vector<std::string>{});
  EXPECT_EQ(ssh(bed, bed[0], "hostname").out, "h1\n");
}

TEST(HostBedTest, AFirewallLeavesPort22Only) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  const std::string dial =
      "for port in 22 80; do timeout 0.3 bash -c \"exec 3<>/dev/tcp/h1/$port\" 2>/dev/null; echo $?; done";
  EXPECT_EQ(ssh(bed, bed[1], dial).out, "0\n1\n");  // refused
  bed.close_all_ports_but_22(bed[0]);
  EXPECT_EQ(ssh(bed, bed[1], dial).out, "0\n124\n");  // silence
  EXPECT_EQ(ssh(bed, bed[0], "exec 3<>/dev/tcp/h2/22 && echo out").out, "out\n");
}

TEST(HostBedTest, AHostMayHaveItsOwnFilesAndItsOwnProfile) {
  HostBed bed(2, {"MaxSessions 1"});
  SKIP_UNLESS_ISOLATED(bed);
  bed.run(bed[0], "mount -t tmpfs -o ro tmpfs /srv");
  EXPECT_EQ(ssh(bed, bed[0], "touch /srv/x || echo read-only").out, "read-only\n");
  EXPECT_EQ(ssh(bed, bed[1], "touch /srv/. && echo writable").out, "writable\n");
  std::ofstream(bed.home(bed[0]) / ".bashrc") << "echo welcome to h1\n";
  EXPECT_EQ(ssh(bed, bed[0], "echo done").out, "welcome to h1\ndone\n");
  EXPECT_EQ(ssh(bed, bed[1], "echo done").out, "done\n");
}

// The user of the hosts is a child here, which tells where they are and is killed with them in use.
TEST(HostBedTest, NothingIsLeftOfThemWhenTheirUserIsKilled) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t user = ::fork();
  if (user == 0) try {
      enter_head();  // one of its own, which ends with it
      HostBed bed(2);
      const std::string where = bed.directory().string() + ' ' + std::to_string(bed[0].init);
      if (::write(ends[1], where.data(), where.size()) > 0) ::pause();
      ::_exit(1);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  ::close(ends[1]);
  char text[256] = {};
  ASSERT_GT(::read(ends[0], text, sizeof text - 1), 0);
  const std::string where(text);
  const std::string directory = where.substr(0, where.find(' '));
  const pid_t init = std::stoi(where.substr(where.find(' ')));
  EXPECT_TRUE(std::filesystem::exists(directory));
  EXPECT_EQ(::kill(init, 0), 0);
  ::kill(user, SIGKILL);
  ::waitpid(user, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return ::kill(init, 0) != 0 && !std::filesystem::exists(directory); }));
  ::close(ends[0]);
}

}  // namespace
}  // namespace cohort::test
