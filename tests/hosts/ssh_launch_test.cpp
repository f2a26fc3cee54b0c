// Workers on ssh hosts: that they come up whatever the hosts are like, and what is said of those that do not.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <cohort/cohort.hpp>

#include "ssh_hosts.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class SshLaunchTest : public SshHostsTest {};

std::vector<std::string> names_of_all_workers() {
  std::vector<std::string> names;
  for (const Pid pid : workers()) names.push_back(remotecall_fetch(fn<host_name_here>, pid));
  return names;
}

TEST_F(SshLaunchTest, SixteenWorkersOnEightHostsCallEachOther) {
  HostBed& bed = start_hosts(8);
  const auto pids = add_ssh_workers(ssh_options(bed, 2));
  ASSERT_EQ(pids.size(), 16);
  std::vector<Future<std::vector<std::string>>> seen;
  for (const Pid pid : pids) seen.push_back(remotecall(fn<names_of_all_workers>, pid));
  for (auto& each : seen) {
    std::map<std::string, int> workers_on;
    for (const std::string& name : each.fetch()) ++workers_on[name];
    if (!bed.isolated()) continue;
    EXPECT_EQ(workers_on.size(), 8);
    for (const auto& [name, count] : workers_on) EXPECT_EQ(count, 2) << name;
  }
  rmprocs(pids);
  EXPECT_TRUE(eventually([&] { return processes_on(bed).empty(); })) << processes_on(bed).front();
}

TEST_F(SshLaunchTest, ATunnelNeedsNoPortButThatOfSsh) {
  HostBed& bed = start_hosts(4);
  SKIP_UNLESS_ISOLATED(bed);
  for (const SshHost& host : bed.hosts()) bed.close_all_ports_but_22(host);
  json options = ssh_options(bed, 2);
  options["tunnel"] = true;
  const auto pids = add_ssh_workers(options);
  ASSERT_EQ(pids.size(), 8);
  std::vector<Future<std::vector<int>>> answers;
  for (const Pid pid : pids)
    answers.push_back(remotecall([](std::vector<int> numbers) { return numbers; }, pid, std::vector<int>(1 << 20, 7)));
  for (auto& answer : answers) EXPECT_EQ(answer.fetch(), std::vector<int>(1 << 20, 7));
}

TEST_F(SshLaunchTest, WithoutATunnelAClosedPortIsSaidToBeOne) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  bed.close_all_ports_but_22(bed[0]);
  AddprocsOptions how;
  how.timeouts = Timeouts{.connect = 1s};
  const std::string text = failure(ssh_options(bed), how, how.timeouts->connect);
  const std::string before = "cannot connect to " + bed[0].address + ':';
  ASSERT_TRUE(contains(text, before)) << text;
  const int port = std::atoi(text.c_str() + text.find(before) + before.size());
  EXPECT_GT(port, 1023);
  EXPECT_TRUE(contains(text, before + std::to_string(port) + ": Connection timed out")) << text;
  EXPECT_TRUE(contains(text, "firewall")) << text;
  EXPECT_TRUE(contains(text, "tunnel=true")) << text;
  EXPECT_TRUE(eventually([&] { return processes_on(bed).empty(); }));
}

TEST_F(SshLaunchTest, ProfilesThatPrintDoNotHinder) {
  HostBed& bed = start_hosts(2);
  for (const SshHost& host : bed.hosts()) {
    std::ofstream(bed.home(host) / ".bashrc")
        << "echo Welcome\necho cohort_worker:1#junk\necho oops >&2\nprintf 'no end'\n";
  }
  EXPECT_EQ(add_ssh_workers(ssh_options(bed)).size(), 2);
}

// One sshd at many ports: to the client these are servers of their own, so that nothing but being refused tells it.
TEST_F(SshLaunchTest, SixteenMachinesWhoseServerTakesThreeLoginsAtOnce) {
  std::vector<std::string> sshd_lines{"MaxStartups 3", "AddressFamily inet"};
  for (int port = 1001; port <= 1015; ++port) sshd_lines.push_back("Port " + std::to_string(port));
  HostBed& bed = start_hosts(1, sshd_lines);
  SKIP_UNLESS_ISOLATED(bed);
  std::ifstream file(bed.known_hosts());
  std::string names, key;
  file >> names;
  std::getline(file, key);
  std::ofstream known_hosts(bed.known_hosts(), std::ios::app);
  std::vector<std::string> machines{bed[0].machine()};
  for (int port = 1001; port <= 1015; ++port) {
    known_hosts << '[' << bed[0].address << "]:" << port << key << '\n';
    machines.push_back(bed[0].address + ':' + std::to_string(port));
  }
  known_hosts.close();
  json options = ssh_options(bed);
  options["machines"] = machines;
  EXPECT_EQ(add_ssh_workers(options).size(), 16);
  std::ifstream log(bed.directory() / bed[0].name / "log");
  EXPECT_TRUE(contains({std::istreambuf_iterator<char>(log), {}}, "past MaxStartups"));
}

TEST_F(SshLaunchTest, OneBadHostOfEightFailsTheLaunchUnlessLessIsEnough) {
  HostBed& bed = start_hosts(8);
  bed.forget_key(bed[3]);
  json options = ssh_options(bed);
  const std::string text = failure(options);
  EXPECT_TRUE(contains(text, bed[3].address)) << text;
  EXPECT_TRUE(contains(text, "host key")) << text;
  EXPECT_FALSE(contains(text, bed[4].machine())) << text;
  rmprocs(workers());
  AddprocsOptions how;
  how.min = "all";
  EXPECT_TRUE(contains(failure(options, how), bed[3].address));
  EXPECT_EQ(nprocs(), 1);
  how.min = "50%";
  EXPECT_EQ(add_ssh_workers(options, how).size(), 7);
}

TEST_F(SshLaunchTest, AHostThatCannotBeReachedIsNamedWithTheReason) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  bed.close_all_ports_but_22(bed[0]);
  json options = ssh_options(bed);
  options["connect_timeout"] = "1s";
  const auto expect = [&](const std::string& machine, Duration timeout, const std::string& cause,
                          const std::string& hint) {
    options["machines"] = {machine};
    const std::string text = failure(options, {}, timeout);
    EXPECT_TRUE(contains(text, machine + ": connect: ")) << text;
    EXPECT_TRUE(contains(text, cause)) << text;
    EXPECT_TRUE(contains(text, hint)) << text;
  };
  expect("192.0.2.1", 0s, "192.0.2.1 port 22: Network is unreachable", "This host knows no way there");
  expect("10.77.0.254:99", 0s, "10.77.0.254 port 99: Connection refused", "is 99 its port?");  // the head itself
  expect(bed[0].address + ":99", 1s, bed[0].address + " port 99: Connection timed out", "sent to port 99?");
  bed.cut(bed[0]);
  expect(bed[0].machine(), 1s, bed[0].address + " port 22: Connection timed out", "Is the host up");
  options["connect_timeout"] = "30s";
  expect("10.77.0.200", 5s, "10.77.0.200 port 22: No route to host",
         "is the host up");  // the system looks for it so long
}

TEST_F(SshLaunchTest, FortyHostsAtOnce) {
  HostBed& bed = start_hosts(40);
  EXPECT_EQ(add_ssh_workers(ssh_options(bed)).size(), 40);
}

TEST_F(SshLaunchTest, AHostWithoutTheProgramGetsIt) {
  HostBed& bed = start_hosts(2);
  SKIP_UNLESS_ISOLATED(bed);
  const std::filesystem::path build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  for (const char* directory : {"bin", "lib"})
    bed.run(bed[1], "mount -t tmpfs tmpfs '" + (build / directory).string() + "'");
  json options = ssh_options(bed, 2);
  options["stage"] = "if_missing";
  ASSERT_EQ(add_ssh_workers(options).size(), 4);
  for (const Pid pid : workers()) EXPECT_TRUE(remotecall_fetch(fn<host_name_here>, pid).starts_with("h"));
}

TEST_F(SshLaunchTest, AHostWithoutRoomForTheProgramSaysSoAndKeepsNoPartOfIt) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  const std::string full = bed.home(bed[0]) / "full";
  bed.run(bed[0], "mkdir '" + full + "' && mount -t tmpfs -o size=1m,mode=700 tmpfs '" + full + "'");
  json options = ssh_options(bed);
  options["stage"] = "always";
  options["stage_dir"] = full;
  const std::string text = failure(options);
  EXPECT_TRUE(contains(text, "cannot write " + full)) << text;
  EXPECT_TRUE(contains(text, "is there no room left?")) << text;
  EXPECT_TRUE(contains(text, "The option 'stage_dir' says another directory.")) << text;
  EXPECT_EQ(bed.run(bed[0], "find '" + full + "' -name '*.new'"), "");
}

TEST_F(SshLaunchTest, AHostBehindAnotherOne) {
  HostBed& bed = start_hosts(2);
  SKIP_UNLESS_ISOLATED(bed);
  bed.run(bed[1], "iptables -w -A INPUT -s 10.77.0.254 -j DROP");  // the head
  json options = ssh_options(bed);
  options["machines"] = {"h2"};
  options["jump"] = "h1";
  options["tunnel"] = true;
  const auto pids = add_ssh_workers(options);
  ASSERT_EQ(pids.size(), 1);
  EXPECT_EQ(remotecall_fetch(fn<host_name_here>, pids.front()), "h2");
}

TEST_F(SshLaunchTest, NumericAddressesOfBothKindsAndNames) {
  HostBed& bed = start_hosts(3);
  SKIP_UNLESS_ISOLATED(bed);
  json options = ssh_options(bed);
  options["machines"] = {"h1", bed[1].address, '[' + bed[2].address6 + ']'};
  const auto pids = add_ssh_workers(options);
  ASSERT_EQ(pids.size(), 3);
  auto names = names_of_all_workers();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"h1", "h2", "h3"}));
  EXPECT_EQ(remotecall_fetch(fn<names_of_all_workers>, pids.back()).size(), 3);  // they reach each other
}

TEST_F(SshLaunchTest, ATildeIsTheHomeDirectoryOfTheHost) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  const std::filesystem::path home = bed.home(bed[0]);
  std::filesystem::create_directory(home / "work");
  auto options = ssh_options(bed, 2);
  options["stage"] = "always";
  options["stage_dir"] = "~/builds";
  options["dir"] = "~/work";
  const auto pids = add_ssh_workers(options);
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_EQ(remotecall_fetch([] { return std::filesystem::current_path().string(); }, pids[0]), home / "work");
  EXPECT_TRUE(std::filesystem::exists(home / "builds"));
  EXPECT_FALSE(std::filesystem::exists(home / "~"));
  options["dir"] = "~bob/work";
  EXPECT_TRUE(contains(failure(options), "dir: '~bob/work' begins with the home directory of another user"));
}

}  // namespace
}  // namespace cohort::test
