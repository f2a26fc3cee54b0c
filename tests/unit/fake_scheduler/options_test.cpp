#include "fake_scheduler/options.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fake_scheduler/protocol.hpp"
#include "fake_scheduler/text.hpp"

namespace cohort::fake_scheduler {
namespace {

using Words = std::vector<std::string>;

constexpr OptionRule rules[] = {{'n', "ntasks"},
                                {'H', "hold", OptionRule::Value::none},
                                {'K', "kill-on-bad-exit", OptionRule::Value::optional},
                                {0, "mem"}};

TEST(OptionsTest, LongOptionsShortOnesAndTheirValuesAreRead) {
  const auto given =
      read_options({"-n4", "-H", "--mem", "3G", "--nta=5", "--kill-on-bad-exit", "job.sh", "-x"}, rules, false);
  ASSERT_EQ(given.error, "");
  Words seen;
  for (const auto& option : given.options) seen.push_back(option.name + "=" + option.value);
  EXPECT_EQ(seen, (Words{"ntasks=4", "hold=", "mem=3G", "ntasks=5", "kill-on-bad-exit="}));
  EXPECT_EQ(given.rest, (Words{"job.sh", "-x"}));
}

TEST(OptionsTest, WhatIsWrongIsSaidAsGetoptSaysIt) {
  EXPECT_EQ(read_options({"--foo=3"}, rules, false).error, "unrecognized option '--foo'");
  EXPECT_EQ(read_options({"-x"}, rules, false).error, "invalid option -- 'x'");
  EXPECT_EQ(read_options({"--mem"}, rules, false).error, "option '--mem' requires an argument");
  EXPECT_EQ(read_options({"--hold=1"}, rules, false).error, "option '--hold' doesn't allow an argument");
}

TEST(OptionsTest, SingleDashesHaveWholeWords) {
  constexpr DashRule dashes[] = {{"pe", 2}, {"N"}, {"cwd", 0}, {"t"}};
  const auto given = read_dashes({"-pe", "smp", "4", "-cwd", "-Nname", "-t", "1-3", "job.sh", "-N"}, dashes);
  ASSERT_EQ(given.options.size(), 4u);
  EXPECT_EQ(given.options[0].values, (Words{"smp", "4"}));
  EXPECT_EQ(given.options[2].value(), "name");
  EXPECT_EQ(given.rest, (Words{"job.sh", "-N"}));
  EXPECT_EQ(read_dashes({"-foo"}, dashes).unknown, "-foo");
  EXPECT_EQ(read_dashes({"-pe", "smp"}, dashes).missing, "-pe");
}

TEST(OptionsTest, DirectivesEndWithTheFirstCommand) {
  const auto lines =
      directives("#!/bin/sh\n#SBATCH -n 3 --comment='two words' # why\n\n##SBATCH -n 4\n#SBATCHx\ntrue\n#SBATCH -n 5\n",
                 "#SBATCH", true);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].words, (Words{"-n", "3", "--comment=two words"}));
  EXPECT_EQ(directives("true\n#$ -N x\n", "#$", false).size(), 1u);
}

TEST(OptionsTest, RangesAndSignalsAreRead) {
  EXPECT_EQ(parse_range("1-3,7,10-20:5"), (std::vector<int>{1, 2, 3, 7, 10, 15, 20}));
  for (const char* wrong : {"", "3-1", "x", "1-", "1:0", "1-999999999"})
    EXPECT_EQ(parse_range(wrong), std::nullopt) << wrong;
  EXPECT_EQ(signal_number("SIGUSR1"), 10);
  EXPECT_EQ(signal_number("term"), 15);
  EXPECT_EQ(signal_number("NONE"), 0);
}

// A process of this machine may send anything to the socket.
TEST(ProtocolTest, WhatIsNoRequestIsNone) {
  Request request{{"squeue", "-h"}, "/tmp", {"A=1", "AB=2"}, 022};
  FrameReader reader;
  const std::string bytes = encode(request);
  for (const char c : bytes) {
    EXPECT_FALSE(reader.next());
    reader.add({&c, 1});
  }
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  const auto read = decode_request(frame->payload);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->words, request.words);
  EXPECT_EQ(read->variable("A"), "1");
  EXPECT_EQ(read->variable("B"), std::nullopt);
  for (std::size_t size = 0; size < frame->payload.size(); size++)
    static_cast<void>(decode_request(std::string_view(frame->payload).substr(0, size)));
  EXPECT_FALSE(decode_request("\xff\xff\xff\xff"));
  FrameReader hostile;
  hostile.add(std::string(5, '\xff'));
  EXPECT_FALSE(hostile.next());
  EXPECT_TRUE(hostile.broken());
}

}  // namespace
}  // namespace cohort::fake_scheduler
