#include "machine_spec.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include <cohort/error.hpp>

#include "../cluster/processes.hpp"

namespace cohort_ssh {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

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
    if (text.find_first_of("\t\n") == text.npos) {  // control bytes are made visible
      EXPECT_THAT(error.what(), HasSubstr("'" + std::string(text) + "'"));
    }
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

TEST(MachineSpec, HasVariablesOfItsOwn) {
  const auto machine = only("node env.A=1 env.B_2=x=y env.EMPTY= dir=/scratch env.QUOTED=\"\"");
  EXPECT_THAT(machine.env(), ElementsAre(Pair("A", "1"), Pair("B_2", "x=y"), Pair("EMPTY", ""), Pair("QUOTED", "")));
  EXPECT_TRUE(only("node dir=/scratch").env().empty());
  for (const char* bad : {"node env.=1", "node env.1A=1", "node env.A-B=1", "node env.A.B=1", "node env.A;id=1"})
    EXPECT_THAT(refusal(bad), HasSubstr("no name of an environment variable")) << bad;
  EXPECT_THAT(refusal("node env=A"), HasSubstr("env.NAME"));
}

TEST(MachineSpec, SaysWhatAddressOthersDial) {
  const auto address = [](const std::string& text) { return only("node advertise=" + text).settings.at("advertise"); };
  EXPECT_EQ(address("gate.example.org"), "gate.example.org");
  EXPECT_EQ(address("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(address("[2001:db8::7]"), "2001:db8::7");
  for (const char* bad : {"gate:9000", "192.0.2.7:9000", "[2001:db8::7]:9000", "[gate]", "[]", "2001:db8::x", "[::1",
                          "192.0.2.300", "0.0.0.0", "::", "-gate", "10.0.0.[1-4]", "a/b"})
    EXPECT_THAT(refusal(std::string("node advertise=") + bad), HasSubstr("no name and no address")) << bad;
  EXPECT_THAT(refusal("node advertise="), HasSubstr("no value"));
  EXPECT_THAT(refusal("node[1-2] advertise=gate"), HasSubstr("one machine"));
  EXPECT_EQ(only("node[7] advertise=gate").host, "node7");
}

TEST(MachineSpec, SaysWhichShellReadsTheScript) {
  EXPECT_EQ(only("node shell=/opt/bin/bash").settings.at("shell"), "/opt/bin/bash");
  EXPECT_EQ(only("node shell=\"bash -l\"").settings.at("shell"), "bash -l");
  for (const char* bad : {"\"bash; id\"", "$SHELL", "`id`", "~/bash", "-l", "\" -l\"", "\" \"", "\"a\tb\"", "'bash'",
                          "A=b", "%1", "a!b", "a\\b", "bash*", "\"a\"\"b\"", "\"a\nb\""})
    EXPECT_THAT(refusal(std::string("node shell=") + bad), HasSubstr("letters, digits")) << bad;
}

TEST(MachineSpec, HasBlanksInQuotes) {
  const auto machine =
      only("node dir=\"/scratch/my  data\" 10.0.0.7\tenv.MOTD=\"a #1 \"\"hello\"\" it's\"  tunnel=true");
  EXPECT_EQ(machine.settings.at("dir"), "/scratch/my  data");
  EXPECT_EQ(machine.bind, "10.0.0.7");
  EXPECT_EQ(machine.settings.at("env.MOTD"), "a #1 \"hello\" it's");
  EXPECT_EQ(machine.settings.at("tunnel"), "true");
  EXPECT_EQ(only("node env.A=\"\"\"\"").settings.at("env.A"), "\"");
  EXPECT_EQ(only("node env.A=\"\\\"").settings.at("env.A"), "\\");
  EXPECT_EQ(only("node env.A=\"b=c\"").settings.at("env.A"), "b=c");
  for (const char* bad : {"node dir=\"/a b", "node dir=\"", "node dir=\"/a\"\"", "node dir=\"/a\"\" b"})
    EXPECT_THAT(refusal(bad), HasSubstr("closing '\"' is missing")) << bad;
  for (const char* bad : {"node dir=/a\"b c\"", "\"node\"", "node \"dir=/a b\"", "no\"de", "node dir=/a\""})
    EXPECT_THAT(refusal(bad), HasSubstr("can only begin the value")) << bad;
  EXPECT_THAT(refusal("node dir=\"/a\"b"), HasSubstr("a blank must come"));
  EXPECT_THAT(refusal("node dir=\"\""), HasSubstr("no value"));
}

TEST(MachineSpec, GivesItsSettingsToAllItStandsFor) {
  const auto machines = parse_machines("2*ada@node[1-3]:22 10.0.0.7 shell=\"bash -l\" env.MOTD=\"hello world\"");
  ASSERT_EQ(machines.size(), 3u);
  for (const auto& machine : machines) {
    EXPECT_EQ(machine.settings.at("shell"), "bash -l");
    EXPECT_THAT(machine.env(), ElementsAre(Pair("MOTD", "hello world")));
  }
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
  EXPECT_THAT(refusal("h\xc3\xb6st"), HasSubstr("byte 195"));
  EXPECT_THAT(refusal("a;b"), HasSubstr("';'"));
  EXPECT_THAT(refusal("a,,b"), HasSubstr("no host"));
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
  EXPECT_THAT(refusal("dir=/scratch node"), HasSubstr("no host"));
}

TEST(MachineSpec, AListWithCommasStandsForEachPart) {
  const auto machines = parse_machines("2*a1,ada@b[001-002]:2222 10.0.0.7 dir=/x");
  ASSERT_EQ(machines.size(), 3u);
  EXPECT_EQ(machines[0].text(), "a1");
  EXPECT_EQ(machines[0].count, 2);
  EXPECT_EQ(machines[1].text(), "ada@b001:2222");
  EXPECT_EQ(machines[2].text(), "ada@b002:2222");
  for (const Machine& machine : machines) {
    EXPECT_EQ(machine.bind, "10.0.0.7");
    EXPECT_EQ(machine.settings.at("dir"), "/x");
  }
  EXPECT_EQ(parse_machines("node_1").front().host, "node_1");
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

TEST(MachineFile, MayBeginWithAByteOrderMark) {
  const cohort::test::TemporaryDirectory directory;
  std::ofstream(directory.path("machines")) << "\xef\xbb\xbfnode1\nnode2\n";
  const auto machines = read_machine_file(directory.path("machines"));
  ASSERT_EQ(machines.size(), 2u);
  EXPECT_EQ(machines[0].host, "node1");
}

TEST(MachineFile, IsNoDirectory) {
  try {
    read_machine_file("/tmp");
    ADD_FAILURE();
  } catch (const cohort::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/tmp: it is a directory"));
  }
}

TEST(MachineFile, HasNoCommentInQuotes) {
  const cohort::test::TemporaryDirectory directory;
  std::ofstream(directory.path("machines")) << "a env.A=\"#1\" env.B=\"say \"\"#2\"\"\"  # the \"big one\nb # 1\" 2\n";
  const auto machines = read_machine_file(directory.path("machines"));
  ASSERT_EQ(machines.size(), 2u);
  EXPECT_THAT(machines[0].env(), ElementsAre(Pair("A", "#1"), Pair("B", "say \"#2\"")));
  EXPECT_EQ(machines[1].host, "b");
  std::ofstream(directory.path("bad")) << "a\nb dir=\"/scratch # the data\nc\"\n";
  try {
    read_machine_file(directory.path("bad"));
    ADD_FAILURE();
  } catch (const cohort::ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bad:2: "));
    EXPECT_THAT(error.what(), HasSubstr("closing '\"' is missing"));
  }
}

TEST(MachineCounts, AreAddedUpForTheSameMachine) {
  const auto machines = merge_machines({only("a"), only("2*b"), only("3*a"), only("a:22")});
  ASSERT_EQ(machines.size(), 3u);
  EXPECT_EQ(machines[0].count, 4);
  EXPECT_EQ(machines[1].count, 2);
}

TEST(MachineCounts, AreNotAddedUpForOtherSettings) {
  for (const char* other :
       {"a env.A=2", "a env.B=1", "a env.A=1 env.B=2", "a", "a env.A=1 advertise=b", "a env.A=1 shell=bash"}) {
    const auto machines = merge_machines({only("a env.A=1"), only(other)});
    EXPECT_EQ(machines.size(), 2u) << other;
  }
  const auto machines = merge_machines(
      {only("a shell=bash advertise=[::1] env.A=1"), only("2*a env.A=\"1\" advertise=::1 shell=\"bash\"")});
  ASSERT_EQ(machines.size(), 1u);
  EXPECT_EQ(machines[0].count, 3);
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
