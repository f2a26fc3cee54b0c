// The contract of drivers against one scheduler.
//   batch_driver_tests slurm|sge      starts one of its own for all tests, which takes seconds. Ends with code 77 where
//   it
//                                     cannot be
//   batch_driver_tests NAME here      that whose commands are in PATH: slurm, sge, pbs, lsf or htcondor. The tests of a
//                                     fake one: cohort fake-scheduler --dialect=NAME -- batch_driver_tests NAME here

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <cohort/batch/options.hpp>
#include <cohort/options.hpp>

#include "driver_contract.hpp"
#include "htcondor/htcondor_driver.hpp"
#include "lsf/lsf_driver.hpp"
#include "pbs/pbs_driver.hpp"
#include "sge/sge_driver.hpp"
#include "sge_bed.hpp"
#include "slurm/slurm_driver.hpp"
#include "slurm_bed.hpp"

namespace cohort::test {
namespace {

constexpr int cannot_run = 77;

constexpr auto options_of_all =
    batch::options_with({batch::partition_option, {"pe", OptionType::string, nullptr, "", nullptr}});

Options parse(const std::string& json) { return Options::parse(options_of_all, json, "the test"); }

template <class Driver>
auto make_driver() {
  return [](const std::string& json) { return std::make_unique<Driver>(parse(json)); };
}

const DriverUnderTest drivers[] = {
    {.scheduler = "slurm",
     .make =
         [](const std::string& json) {
           return std::make_unique<cohort_slurm::SlurmDriver>(cohort::batch::SubmitOptions(parse(json)));
         },
     .status_program = "squeue",
     .stays_queued = R"({"flags": ["--hold"]})",
     .refused = R"({"flags": ["--partition=nowhere"]})",
     .many_workers = "{}"},
    {.scheduler = "sge",
     .make = make_driver<cohort_sge::SgeDriver>(),
     .status_program = "qstat",
     .stays_queued = R"({"flags": ["-h"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = R"({"pe": "mpi"})",
     .signals = false,
     .tells_who_cancelled = false},
    {.scheduler = "pbs",
     .make = make_driver<cohort_pbs::PbsDriver>(),
     .status_program = "qstat",
     .stays_queued = R"({"flags": ["-h"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = "{}"},
    {.scheduler = "lsf",
     .make = make_driver<cohort_lsf::LsfDriver>(),
     .status_program = "bjobs",
     .stays_queued = R"({"flags": ["-H"]})",
     .refused = R"({"flags": ["-q", "nowhere"]})",
     .many_workers = "{}"},
    {.scheduler = "htcondor",
     .make = make_driver<cohort_htcondor::HtcondorDriver>(),
     .status_program = "condor_q",
     .stays_queued = R"({"flags": ["-append", "hold = true"]})",
     .refused = "",
     .many_workers = "",
     .signals = false},
};

template <class Bed>
int run_on() {
  const Bed bed;
  if (bed.runs()) return RUN_ALL_TESTS();
  std::printf("there is no such scheduler here; scripts/install-dependencies installs it\n");
  return cannot_run;
}

int run(std::string_view scheduler, bool is_here) {
  for (const auto& driver : drivers)
    if (driver.scheduler == scheduler) driver_under_test() = driver;
  if (is_here && !driver_under_test().scheduler.empty()) return RUN_ALL_TESTS();
  if (scheduler == "slurm") return run_on<SlurmBed>();
  if (scheduler == "sge") return run_on<SgeBed>();
  std::printf("which scheduler: slurm, sge; or with the word 'here': slurm, sge, pbs, lsf, htcondor\n");
  return 2;
}

}  // namespace
}  // namespace cohort::test

int main(int argc, char** argv) {
  const std::string_view scheduler = argc > 1 ? argv[1] : "";
  const bool is_here = argc > 2 && std::string_view(argv[2]) == "here";
  // The tests of the manager sge are in this program, because they need its Grid Engine.
  if (scheduler == "sge" && !is_here)
    cohort::test::enter_head();
  else
    testing::GTEST_FLAG(filter) = "-SgeTest.*";
  testing::InitGoogleTest(&argc, argv);
  return cohort::test::run(scheduler, is_here);
}
