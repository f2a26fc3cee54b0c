// cohort doctor: what it says of hosts that are fit for workers, and of those that are not.

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>

#include "ssh_hosts.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct Diagnosis {
  int exit_code = -1;
  std::string output;
};

class DoctorTest : public testing::Test {
 protected:
  /// @param timeout what has to run out before it is through.
  static Diagnosis doctor(const HostBed& bed, const json& options, const std::vector<std::string>& more,
                          Duration timeout = 0s) {
    const auto start = Clock::now();
    const std::string file = bed.directory() / "cluster.json";
    std::ofstream(file) << json{{"version", 1}, {"managers", {{{"plugin", "ssh"}, {"options", options}}}}};
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "doctor", file};
    spawn.command.insert(spawn.command.end(), more.begin(), more.end());
    ChildProcess child = ChildProcess::spawn(spawn);
    Diagnosis diagnosis;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(child.out(), buffer, sizeof buffer)) > 0;)
      diagnosis.output.append(buffer, static_cast<std::size_t>(n));
    const auto status = child.wait_until(start + timeout + slack);
    EXPECT_TRUE(status);
    if (status) diagnosis.exit_code = status->code;
    return diagnosis;
  }

  /// What is not "ok" of each machine: "h1: shell warning".
  static std::vector<std::string> complaints(const Diagnosis& diagnosis) {
    std::vector<std::string> all;
    const json report = json::parse(diagnosis.output);
    for (const auto& host : report.at("hosts")) {
      for (const auto& check : host.at("checks")) {
        if (check.at("outcome") == "warning" || check.at("outcome") == "bad")
          all.push_back(host.at("machine").get<std::string>() + ": " + check.at("name").get<std::string>() + ' ' +
                        check.at("outcome").get<std::string>());
      }
    }
    return all;
  }

  static std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe"); }
};

using Complaints = std::vector<std::string>;

TEST_F(DoctorTest, HostsThatAreFitAreReady) {
  HostBed bed(2);
  const Diagnosis text = doctor(bed, ssh_options(bed), {this_program()});
  EXPECT_EQ(text.exit_code, 0) << text.output;
  EXPECT_TRUE(contains(text.output, "2 of 2 hosts are ready")) << text.output;
  const Diagnosis with_json = doctor(bed, ssh_options(bed), {this_program(), "--json"});
  EXPECT_EQ(with_json.exit_code, 0);
  EXPECT_EQ(complaints(with_json), Complaints{});
  EXPECT_EQ(json::parse(with_json.output).at("ready"), true);
}

TEST_F(DoctorTest, ALoginThatFailsIsNamedByItsPhase) {
  HostBed bed(4);
  SKIP_UNLESS_ISOLATED(bed);
  bed.forget_key(bed[1]);
  bed.change_key(bed[2]);
  json options = ssh_options(bed);
  options["machines"] = {"h1", "h1:99", "h2", "h3", "h4 identity=" + bed.stranger_key().string(), "nowhere.invalid"};
  EXPECT_EQ(complaints(doctor(bed, options, {"--json"})),
            (Complaints{"h1:99: connect bad", "h2: host key bad", "h3: host key bad", "h4: auth bad",
                        "nowhere.invalid: resolve bad"}));
  const Diagnosis text = doctor(bed, options, {});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_TRUE(contains(text.output, "1 of 6 hosts are ready")) << text.output;
  EXPECT_TRUE(contains(text.output, "ssh-keyscan")) << text.output;  // what to do about h2
}

TEST_F(DoctorTest, WhatHindersWorkersIsFoundBeforeTheyAreStarted) {
  HostBed bed(6);
  SKIP_UNLESS_ISOLATED(bed);
  std::ofstream(bed.home(bed[0]) / ".bashrc") << "echo Welcome\n";
  bed.close_all_ports_but_22(bed[1]);
  const std::string program = this_program();
  bed.run(bed[2], "mount --bind '" COHORT_OTHER_PROGRAM "' '" + program + "'");
  bed.run(bed[3], "mount -t tmpfs tmpfs '" + program.substr(0, program.rfind('/')) + "'");
  bed.run(bed[4], "mount -o remount,size=1m /dev/shm");
  json options = ssh_options(bed);
  options["machines"] = {"h1", "h2", "h3", "h4", "h5", "h6 dir=/no/such", "h6 0.0.0.0:22"};
  const Diagnosis found = doctor(bed, options, {program, "--json"});
  EXPECT_EQ(complaints(found), (Complaints{"h1: shell warning", "h2: ports bad", "h3: program bad", "h4: program bad",
                                           "h5: memory warning", "h6: shell bad", "h6: ports bad"}))
      << found.output;
  EXPECT_TRUE(contains(found.output, "another build")) << found.output;
  options["machines"] = {"h3", "h4"};
  options["stage"] = "if_missing";
  EXPECT_EQ(complaints(doctor(bed, options, {program, "--json"})), Complaints{});
}

#ifdef COHORT_OPENCL_PROGRAM
TEST_F(DoctorTest, AProgramForDevicesNeedsADriver) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  bed.run(bed[0], "mount -t tmpfs tmpfs /etc/OpenCL/vendors");
  json options = ssh_options(bed);
  options["machines"] = {"h1", "h2"};
  const Diagnosis found = doctor(bed, options, {COHORT_OPENCL_PROGRAM, "--json"});
  EXPECT_EQ(complaints(found), (Complaints{"h1: program warning"})) << found.output;
  EXPECT_TRUE(contains(found.output, "uses OpenCL devices, and there is no driver of one")) << found.output;
}
#endif

TEST_F(DoctorTest, ATunnelNeedsNoPortsAndAJumpHostIsGoneThrough) {
  HostBed bed(3);
  SKIP_UNLESS_ISOLATED(bed);
  bed.close_all_ports_but_22(bed[0]);
  bed.run(bed[1], "iptables -w -A INPUT -s 10.77.0.254 -j DROP");  // the head reaches it by h3 only
  json options = ssh_options(bed);
  options["machines"] = {"h1 tunnel=true", "h2 jump=h3"};
  EXPECT_EQ(complaints(doctor(bed, options, {"--json"})), Complaints{});
}

TEST_F(DoctorTest, AHostThatDoesNotAnswerIsGivenUp) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  bed.cut(bed[0]);
  bed.freeze(bed[1]);
  EXPECT_EQ(complaints(doctor(bed, ssh_options(bed), {"--json", "--timeout", "500ms"}, 500ms)).size(), 2);
}

}  // namespace
}  // namespace cohort::test
