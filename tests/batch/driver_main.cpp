// The contract of drivers against one scheduler.
//   batch_driver_tests slurm|sge   starts one of its own for all tests, which takes seconds. Ends with code 77 where it
//                                  cannot be
//   batch_driver_tests NAME here   that whose commands are in PATH: slurm, sge, pbs, lsf or htcondor. The tests of a
//   fake
//                                  one: cohort fake-scheduler --dialect=NAME -- batch_driver_tests NAME here

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <cohort/batch/options.hpp>
#include <cohort/contract/driver_suite.hpp>
#include <cohort/options.hpp>

#include "htcondor/htcondor_driver.hpp"
#include "lsf/lsf_driver.hpp"
#include "pbs/pbs_driver.hpp"
#include "sge/sge_driver.hpp"
#include "sge_bed.hpp"
#include "shards.hpp"
#include "slurm/slurm_driver.hpp"
#include "slurm_bed.hpp"

namespace cohort::contract {
namespace {

constexpr int cannot_run = 77;

constexpr auto options_of_all =
    batch::options_with({batch::partition_option, {"pe", OptionType::string, nullptr, "", nullptr}});

const DriverUnderTest drivers[] = {
    {.name = "slurm",
     .make =
         [](const std::string& json) {
           const auto options = Options::parse(options_of_all, json, "the test");
           return std::make_unique<cohort_slurm::SlurmDriver>(batch::SubmitOptions(options));
         },
     .status_program = "squeue",
     .stays_queued = R"({"flags": ["--hold"]})",
     .refused = R"({"flags": ["--partition=nowhere"]})",
     .many_workers = "{}"},
    {.name = "sge",
     .make = make_driver<cohort_sge::SgeDriver>(options_of_all),
     .status_program = "qstat",
     .stays_queued = R"({"flags": ["-h"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = R"({"pe": "mpi"})",
     .signals = false,
     .tells_who_cancelled = false},
    {.name = "pbs",
     .make = make_driver<cohort_pbs::PbsDriver>(options_of_all),
     .status_program = "qstat",
     .stays_queued = R"({"flags": ["-h"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = "{}"},
    {.name = "lsf",
     .make = make_driver<cohort_lsf::LsfDriver>(options_of_all),
     .status_program = "bjobs",
     .stays_queued = R"({"flags": ["-H"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = "{}"},
    {.name = "htcondor",
     .make = make_driver<cohort_htcondor::HtcondorDriver>(options_of_all),
     .status_program = "condor_q",
     .stays_queued = R"({"flags": ["-append", "hold = true"]})",
     .signals = false},
};

INSTANTIATE_TEST_SUITE_P(Scheduler, DriverContract, testing::ValuesIn(drivers), name_of);

// Grid Engine looks once a second what there is to do, and the tests wait for that. It has places for the jobs of four
// of them. Those of its manager cut off hosts and delete what is in the queue, so that each is alone.
int run_tests(const test::SgeBed&) {
  const int of_driver = test::run_in_shards(4, "*/sge");
  testing::GTEST_FLAG(filter) = "SgeTest.*";
  const int of_manager = RUN_ALL_TESTS();
  return of_driver != 0 ? of_driver : of_manager;
}
int run_tests(const test::SlurmBed&) { return RUN_ALL_TESTS(); }

template <class Bed>
int run_on() {
  const Bed bed;
  if (bed.runs()) return run_tests(bed);
  std::printf("there is no such scheduler here; scripts/install-dependencies installs it\n");
  return cannot_run;
}

int run(std::string_view scheduler, bool is_here) {
  if (is_here && std::ranges::find(drivers, scheduler, &DriverUnderTest::name) != std::end(drivers))
    return RUN_ALL_TESTS();
  if (scheduler == "slurm") return run_on<test::SlurmBed>();
  if (scheduler == "sge") return run_on<test::SgeBed>();
  std::printf("which scheduler: slurm, sge; or with the word 'here': slurm, sge, pbs, lsf, htcondor\n");
  return 2;
}

}  // namespace
}  // namespace cohort::contract

int main(int argc, char** argv) {
  const std::string scheduler = argc > 1 ? argv[1] : "";
  const bool is_here = argc > 2 && std::string_view(argv[2]) == "here";
  testing::GTEST_FLAG(filter) = "*/" + scheduler;
  // The tests of the manager sge are in this program, because they need its Grid Engine.
  if (scheduler == "sge" && !is_here) {
    cohort::test::enter_head();
    testing::GTEST_FLAG(filter) += ":SgeTest.*";
  }
  testing::InitGoogleTest(&argc, argv);
  return cohort::contract::run(scheduler, is_here);
}
