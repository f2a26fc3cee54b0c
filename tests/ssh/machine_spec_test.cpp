#include "machine_spec.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include <cohort/error.hpp>

#include "../cluster/processes.hpp"

namespace cohort_ssh {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Machine only(std::string_view text) {
  const auto machines = parse_machines(text);
  EXPECT_EQ(machines.size(), 1u) << text;
  return machines.at(0);
}

std::vector<std::string> hosts(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& machine : parse_machines(text)) names.push_back(machine.host);
  return names;
}

std::string refusal(std::string_view text) {
  try {
    parse_machines(text);
  } catch (const cohort::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'" + std::string(text) + "'"));
    return error.what();
  }
  return "";
}

TEST(MachineSpec, HasAHostAndPerhapsAUserAndAPort) {
  EXPECT_EQ(only("127.0.0.1").host, "127.0.0.1");
  EXPECT_EQ(only("127.0.0.1").port, 0);
  EXPECT_EQ(only("127.0.0.1:80").port, 80);
  EXPECT_EQ(only("ada@node.example.org:2222").user, "ada");
  EXPECT_EQ(only("ada@node.example.org:2222").host, "node.example.org");
  EXPECT_EQ(only("ada@example.org@node").user, "ada@example.org");
  EXPECT_EQ(only("[2001:db8::1]").host, "2001:db8::1");
  EXPECT_EQ(only("ada@[2001:db8::1]:443").port, 443);
  EXPECT_EQ(only("ada@[2001:db8::1]:443").text(), "ada@[2001:db8::1]:443");
}

TEST(MachineSpec, SaysWhereTheWorkerListens) {
  EXPECT_EQ(only("node 10.0.0.7").bind, "10.0.0.7");
  EXPECT_EQ(only("node:22 10.0.0.7:9300").bind, "10.0.0.7:9300");
  EXPECT_EQ(only("node:22 10.0.0.7:9300").bind_host(), "10.0.0.7");
  EXPECT_EQ(only("node [fd00::7]:9300").bind_host(), "fd00::7");
}

TEST(MachineSpec, HasACount) {
  EXPECT_EQ(only("node").count, 1);
  EXPECT_EQ(only("4*ada@node").count, 4);
  EXPECT_EQ(only("4*ada@node").user, "ada");
  EXPECT_TRUE(only("auto*node").count_auto);
}

TEST(MachineSpec, HasSettingsOfItsOwn) {
  const auto machine = only("node 10.0.0.7 dir=/scratch identity=~/.ssh/k tunnel=true");
  EXPECT_EQ(machine.bind, "10.0.0.7");
  EXPECT_EQ(machine.settings.at("dir"), "/scratch");
  EXPECT_EQ(machine.settings.at("identity"), "~/.ssh/k");
  EXPECT_THAT(refusal("node color=red"), HasSubstr("identity, jump"));
  EXPECT_THAT(refusal("node tunnel=yes"), HasSubstr("true or false"));
  EXPECT_THAT(refusal("node dir="), HasSubstr("no value"));
}

TEST(MachineSpec, MayStandForManyMachines) {
  EXPECT_THAT(hosts("node[08-11]"), ElementsAre("node08", "node09", "node10", "node11"));
  EXPECT_THAT(hosts("n[1,3-4].lan:22"), ElementsAre("n1.lan", "n3.lan", "n4.lan"));
  EXPECT_THAT(hosts("r[1-2]n[1-2]"), ElementsAre("r1n1", "r1n2", "r2n1", "r2n2"));
  EXPECT_EQ(parse_machines("2*ada@n[1-3]:22")[2].count, 2);
  for (const char* bad : {"n[2-1]", "n[]", "n[a-b]", "n[1-2", "n1]", "n[1-99999]", "n[1-200]m[1-200]"})
    EXPECT_NE(refusal(bad), "") << bad;
}

TEST(MachineSpec, IsRefusedWithTheReason) {
  for (const char* port : {"h:0", "h:65536", "h:-1", "h:a"}) EXPECT_THAT(refusal(port), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(refusal("h:"), HasSubstr("a port must come"));
  EXPECT_THAT(refusal("h:1:2"), HasSubstr("in brackets"));
  EXPECT_THAT(refusal("[::1"), HasSubstr("']'"));
  EXPECT_THAT(refusal("[::1]22"), HasSubstr("only a port"));
  EXPECT_THAT(refusal("@h"), HasSubstr("user"));
  EXPECT_THAT(refusal("-oProxyCommand"), HasSubstr("no host"));
  EXPECT_THAT(refusal("0*h"), HasSubstr("count"));
  EXPECT_THAT(refusal("x*h"), HasSubstr("count"));
  EXPECT_THAT(refusal("h a b"), HasSubstr("too many"));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
}

TEST(MachineFile, HasOneMachineALine) {
  const cohort::test::TemporaryDirectory directory;
  std::ofstream(directory.path("machines")) << "# ours\n\n2*ada@a  # the big one\n  b:22 10.0.0.7\r\nn[1-2]\n";
  const auto machines = read_machine_file(directory.path("machines"));
  ASSERT_EQ(machines.size(), 4u);
  EXPECT_EQ(machines[0].count, 2);
  EXPECT_EQ(machines[1].bind, "10.0.0.7");
  std::ofstream(directory.path("bad")) << "a\nb:0\n";
  try {
    read_machine_file(directory.path("bad"));
    ADD_FAILURE();
  } catch (const cohort::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bad:2: "));
  }
  EXPECT_THROW(read_machine_file(directory.path("none")), cohort::ConfigError);
}

TEST(MachineCounts, AreAddedUpForTheSameMachine) {
  const auto machines = merge_machines({only("a"), only("2*b"), only("3*a"), only("a:22")});
  ASSERT_EQ(machines.size(), 3u);
  EXPECT_EQ(machines[0].count, 4);
  EXPECT_EQ(machines[1].count, 2);
}

TEST(MachineCounts, AreDealtOutInRounds) {
  const auto counts = [](int count) {
    std::vector<int> dealt;
    for (const auto& machine : deal_workers({only("2*a"), only("b"), only("c")}, count)) dealt.push_back(machine.count);
    return dealt;
  };
  EXPECT_THAT(counts(0), ElementsAre());
  EXPECT_THAT(counts(1), ElementsAre(1));
  EXPECT_THAT(counts(4), ElementsAre(2, 1, 1));
  EXPECT_THAT(counts(7), ElementsAre(4, 2, 1));
  EXPECT_THROW(deal_workers({only("auto*a")}, 2), cohort::ConfigError);
}

}  // namespace
}  // namespace cohort_ssh
