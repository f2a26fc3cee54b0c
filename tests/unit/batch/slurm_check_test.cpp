// What cohort doctor makes of the answers of Slurm 22.05.8.

#include "slurm/slurm_check.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace cohort_slurm {
namespace {

using namespace std::chrono_literals;
using Outcome = cohort::batch::Finding::Outcome;

constexpr auto sinfo =
    "all*|up|1:00:00\nclosed|down|1:00:00\nclosed|down|1:00:00\nshort|up|1:00\nlong|up|infinite\nold|drain|2-00:00:"
    "00\n";

TEST(SlurmCheck, ReadsPartitionsWithTheirStateAndLimit) {
  const auto found = parse_partitions(sinfo);
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found[0].name, "all") << "the star is a mark of the default";
  EXPECT_TRUE(found[0].is_up);
  EXPECT_EQ(found[0].limit, 1h);
  EXPECT_FALSE(found[1].is_up);
  EXPECT_EQ(found[3].limit, 1min);
  EXPECT_EQ(found[4].limit, std::nullopt);
  EXPECT_FALSE(found[5].is_up);
  EXPECT_TRUE(parse_partitions("").empty());
}

TEST(SlurmCheck, FindsThePartitionOfATestedSubmission) {
  EXPECT_EQ(partition_of_test("sbatch: Job 3 to start at 2026-11-30T14:57:17 using 3 processors on nodes n[1-2] in "
                              "partition short\n"),
            "short");
  EXPECT_EQ(partition_of_test("sbatch: Welcome\nsbatch: Job 3 to start at 2026-11-30T14:57:17 using 1 processors on "
                              "nodes n1 in partition all\nmore\n"),
            "all");
  EXPECT_EQ(partition_of_test("allocation failure: Requested node configuration is not available"), "");
}

TEST(SlurmCheck, ComparesStateAndLimitOfThePartitionWithTheJob) {
  const auto partitions = parse_partitions(sinfo);
  const auto outcomes = [&](const std::string& name, std::optional<cohort::Duration> walltime) {
    const auto findings = check_partition(partitions, name, walltime);
    EXPECT_EQ(findings.size(), 2u);
    return std::pair(findings.at(0).outcome, findings.at(1).outcome);
  };
  EXPECT_EQ(outcomes("all", std::nullopt), std::pair(Outcome::good, Outcome::good));
  EXPECT_EQ(outcomes("all", 1h), std::pair(Outcome::good, Outcome::good));
  EXPECT_EQ(outcomes("all", 1h + 1s), std::pair(Outcome::good, Outcome::bad));
  EXPECT_EQ(outcomes("long", 1000h), std::pair(Outcome::good, Outcome::good));
  EXPECT_EQ(outcomes("old", 1h), std::pair(Outcome::bad, Outcome::good));
  EXPECT_EQ(outcomes("elsewhere", 1h), std::pair(Outcome::skipped, Outcome::skipped));
  EXPECT_EQ(outcomes("", 1h), std::pair(Outcome::skipped, Outcome::skipped));
  const auto down = check_partition(partitions, "closed", 2h);
  EXPECT_EQ(down[0].found, "closed is not up: its jobs stay in the queue");
  EXPECT_EQ(down[0].hint, "partitions that are up: all, long, short (-o partition=NAME)");
  EXPECT_EQ(down[1].found, "02:00:00 is too long: closed allows 01:00:00");
}

}  // namespace
}  // namespace cohort_slurm
