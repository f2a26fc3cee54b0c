// The contract of drivers against one scheduler: driver_main slurm|sge. It is started once for all tests, which takes
// seconds. Ends with code 77 where it cannot be.

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <cohort/options.hpp>

#include "batch/batch_options.hpp"
#include "driver_contract.hpp"
#include "sge/sge_driver.hpp"
#include "sge_bed.hpp"
#include "slurm/slurm_driver.hpp"
#include "slurm_bed.hpp"

namespace cohort::test {
namespace {

constexpr int cannot_run = 77;

constexpr Option options_of_all[] = {
    COHORT_BATCH_OPTIONS, COHORT_BATCH_PARTITION, {"pe", OptionType::string, nullptr, "", nullptr}};

Options parse(const std::string& json) { return Options::parse(options_of_all, json, "the test"); }

template <class Bed>
int run(DriverUnderTest driver) {
  const auto bed = std::make_unique<Bed>();
  if (!bed->runs()) {
    std::printf("there is no %s here; scripts/install-dependencies installs it\n", driver.scheduler.c_str());
    return cannot_run;
  }
  driver_under_test() = std::move(driver);
  return RUN_ALL_TESTS();
}

int run(std::string_view scheduler) {
  if (scheduler == "slurm")
    return run<SlurmBed>({.scheduler = "slurm",
                          .make =
                              [](const std::string& json) {
                                return std::make_unique<cohort_slurm::SlurmDriver>(
                                    cohort_batch::SubmitOptions(parse(json)));
                              },
                          .status_program = "squeue",
                          .stays_queued = R"({"partition": "closed"})",
                          .refused = R"({"partition": "nowhere"})",
                          .many_workers = "{}"});
  if (scheduler == "sge")
    return run<SgeBed>(
        {.scheduler = "sge",
         .make = [](const std::string& json) { return std::make_unique<cohort_sge::SgeDriver>(parse(json)); },
         .status_program = "qstat",
         .stays_queued = R"({"flags": ["-h"]})",
         .refused = R"({"partition": "nowhere"})",
         .many_workers = R"({"pe": "mpi"})",
         .signals = false,
         .tells_who_cancelled = false});
  std::printf("which scheduler: slurm, sge\n");
  return 2;
}

}  // namespace
}  // namespace cohort::test

int main(int argc, char** argv) {
  // Those of the manager sge are in this program, because they need its Grid Engine.
  const std::string_view scheduler = argc > 1 ? argv[1] : "";
  if (scheduler == "sge")
    cohort::test::enter_head();
  else
    testing::GTEST_FLAG(filter) = "-SgeTest.*";
  testing::InitGoogleTest(&argc, argv);
  return cohort::test::run(scheduler);
}
