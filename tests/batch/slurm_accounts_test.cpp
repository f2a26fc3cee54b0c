// The manager slurm where Slurm checks accounts, which it does by its database alone.

#include <chrono>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "slurm_bed.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using contract::eventually;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// One test, since the database takes seconds to begin.
TEST(SlurmAccountsTest, AWrongAccountIsRefusedAtOnceInSlurmsWordsAndARightOneIsTaken) {
  const SlurmBed bed(2, {"--accounts"});
  if (!bed.runs()) GTEST_SKIP() << "slurmdbd or mariadbd is not here; scripts/install-dependencies installs them";
  const TemporaryDirectory files;
  const auto cohort = [&](const std::string& words) {
    return run_script("$cohort " + words, {.standard_input = "", .dir = files.path()});
  };
  const std::string words_of_slurm = "Invalid account or account/partition combination specified";

  const auto begin = std::chrono::steady_clock::now();
  const auto wrong = cohort("run -m slurm -p 2 -o account=nowhere " COHORT_BATCH_PROGRAM);
  EXPECT_NE(wrong.code, 0);
  EXPECT_TRUE(contains(wrong.err, "sbatch: error: Batch job submission failed: " + words_of_slurm)) << wrong.err;
  EXPECT_FALSE(contains(wrong.err, "trying again")) << wrong.err;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(SlurmBed::queue(), "");

  const auto bad = cohort("doctor -m slurm --quick -o account=nowhere");
  EXPECT_EQ(bad.code, 1);
  EXPECT_TRUE(contains(bad.out, "submission  BAD ") && contains(bad.out, words_of_slurm)) << bad.out;
  EXPECT_TRUE(contains(bad.out, "your accounts: sacctmgr show associations user=$USER (-o account=NAME)")) << bad.out;
  const auto good = cohort("doctor -m slurm --quick -o account=science");
  EXPECT_EQ(good.code, 0) << good.out << good.err;

  const auto lost = cohort("run -m slurm -p 2 -o account=science " COHORT_BATCH_PROGRAM " cause 7");
  EXPECT_EQ(lost.code, 0) << lost.err;
  EXPECT_TRUE(contains(lost.out, ": Exited with exit code 7 on n")) << lost.out << lost.err;
  // The database learns of the end a moment later than the queue.
  std::string said;
  EXPECT_TRUE(eventually([&] {
    said = run_script("sacct --allocations --noheader --parsable2 --format=account,state").out;
    return said.starts_with("science|") && !contains(said, "RUNNING");
  })) << said;
  EXPECT_EQ(lines_of(said).size(), 1u) << "nothing but that job was submitted: " << said;
}

}  // namespace
}  // namespace cohort::test
