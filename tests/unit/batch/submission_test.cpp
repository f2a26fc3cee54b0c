#include "batch/submission.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;

class SubmissionTest : public testing::Test {
 protected:
  SubmissionTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "co.submit.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~SubmissionTest() override { std::filesystem::remove_all(directory_); }

  /// A submission that fails with these words, so many times; each of them leaves a dot in `tries`.
  Command failing(const std::string& words, int times) const {
    return {.words = {"sh", "-c",
                      "printf . >>\"$1/tries\"; [ $(wc -c <\"$1/tries\") -gt $3 ] || { echo \"$2\" >&2; exit 1; }; cat",
                      "submit", directory_.string(), words, std::to_string(times)},
            .input = "4711\n"};
  }
  std::uintmax_t tries() const { return std::filesystem::file_size(directory_ / "tries"); }
  std::string submit(const Command& command) {
    const auto find = [this] {
      tries_in_doubt_.push_back(tries());
      return found_;
    };
    return run_submission(command, find, quick);
  }

  static constexpr RetryLimits quick{.attempts = 3, .first_pause = 1ms};
  std::filesystem::path directory_;
  std::vector<std::uintmax_t> tries_in_doubt_;
  std::string found_;  // when the scheduler is asked whether it has the job all the same
};

TEST_F(SubmissionTest, ABusySchedulerIsAskedAgainAndThatIsSaid) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(submit(failing("sbatch: error: Socket timed out on send/recv operation", 2)), "4711\n");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(tries(), 3u);
  EXPECT_NE(said.find("Socket timed out on send/recv operation; trying again in "), std::string::npos) << said;
  EXPECT_EQ(tries_in_doubt_, (std::vector<std::uintmax_t>{1, 2})) << "each before the next one";
}

TEST_F(SubmissionTest, AfterSomeAttemptsItFailsWithTheWordsOfTheScheduler) {
  testing::internal::CaptureStderr();
  EXPECT_THROW(submit(failing("qsub: cannot connect to server pbs01 (errno=111)", 100)), CommandError);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(tries(), 3u);
  EXPECT_TRUE(tries_in_doubt_.empty());
}

TEST_F(SubmissionTest, AJobThatIsRefusedIsNotSubmittedAgain) {
  EXPECT_THROW(submit(failing("sbatch: error: invalid partition specified: nowhere", 2)), CommandError);
  EXPECT_EQ(tries(), 1u);
  EXPECT_TRUE(tries_in_doubt_.empty());
}

// It may have been accepted.
TEST_F(SubmissionTest, OneThatTookTooLongIsNotTriedAgain) {
  Command command = failing("", 0);
  command.words[2] = "printf . >>\"$1/tries\"; echo 'timed out' >&2; sleep 100";
  command.limit = 200ms;
  EXPECT_THROW(submit(command), CommandError);
  EXPECT_EQ(tries(), 1u);
  EXPECT_EQ(tries_in_doubt_, std::vector<std::uintmax_t>{1});
}

TEST_F(SubmissionTest, AJobThatWasTakenWithoutAnAnswerIsNotSubmittedAgain) {
  found_ = "4712\n";
  testing::internal::CaptureStderr();
  EXPECT_EQ(submit(failing("sbatch: error: Socket timed out on send/recv operation", 2)), "4712\n");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(tries(), 1u);
  EXPECT_NE(said.find("; the scheduler has taken the job all the same\n"), std::string::npos) << said;
}

TEST(Submission, KnowsTheWordsOfBusySchedulers) {
  for (const char* words :
       {"sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
        "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
        "error: commlib error: got select error (Connection refused)\nUnable to run job: unable to "
        "send message to qmaster using port 6444 on host \"head\": got send error.",
        "qsub: cannot connect to server pbs01 (errno=15010)", "batch system daemon not responding ... still trying",
        "LSF is down. Please wait ...", "Failed in an LSF library call: Communication time out. Job not submitted.",
        "ERROR: Can't connect to local queue manager"})
    EXPECT_TRUE(is_for_a_while(words)) << words;
  for (const char* words :
       {"qsub: Unknown queue MSG=cannot locate queue nowhere", "nowhere: No such queue. Job not submitted.",
        "Unable to run job: Job was rejected because job requests unknown queue \"nowhere\"",
        "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds "
        "some limit)"})
    EXPECT_FALSE(is_for_a_while(words)) << words;
}

}  // namespace
}  // namespace cohort::batch
