// Whatever ends a program whose workers are jobs of a real Slurm: nothing stays. With the fake schedulers:
// tests/fake_scheduler/ends_test.cpp.

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "../cli/tool.hpp"
#include "every_end.hpp"
#include "slurm_bed.hpp"

namespace cohort::test {
namespace {

TEST(SlurmEndsTest, NothingStaysWhateverEndsAMasterAtWhateverTime) {
  const SlurmBed bed(32);
  if (!bed.runs()) GTEST_SKIP() << "there is no Slurm here; scripts/install-dependencies installs it";
  const auto jobs = [] {
    std::map<std::string, bool> found;
    for (const auto& line : lines_of(SlurmBed::queue())) {  // "id name state"
      const auto name = line.find(' ') + 1, state = line.find(' ', name) + 1;
      found[line.substr(name, state - 1 - name)] |= line.substr(state) != "PENDING";
    }
    return found;
  };
  expect_that_nothing_stays_after_any_end(
      {.manager = "slurm", .held = R"(["--hold"])", .submit = "sbatch --parsable", .jobs = jobs});
}

}  // namespace
}  // namespace cohort::test
