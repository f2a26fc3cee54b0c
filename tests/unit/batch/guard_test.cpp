// The process that cancels jobs when their master is killed.

#include "batch/guard.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "../../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;
using cohort::contract::eventually;

class GuardTest : public testing::Test {
 protected:
  GuardTest() {
    std::string pattern = (fs::temp_directory_path() / "co.guard.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    fs::create_directories(root_ / "files" / "more");
    for (const auto& name : {"record", "record.new"}) std::ofstream(root_ / name) << "of it";
  }
  ~GuardTest() override { fs::remove_all(root_); }

  /// Of the cancellations: their names, one in each line.
  std::string cancelled() const {
    std::ifstream file(root_ / "cancelled");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string cancel() const { return "echo \"$1\" >>'" + (root_ / "cancelled").string() + "'"; }

  /// Has another process guarded, which then ends by this signal; 0: it ends its guard before.
  void guarded_process(int signal_number, const std::string& cancel) {
    const pid_t master = ::fork();
    if (master == 0) {
      {
        const Guard guard(cancel, "cohort-12 ab", root_ / "files", root_ / "record");
        if (signal_number != 0) ::raise(signal_number);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(master, &status, 0), master);
    ASSERT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal_number);
  }

  fs::path root_;
};

TEST_F(GuardTest, CancelsTwiceAndRemovesTheFilesWhenItsMasterIsKilled) {
  for (const int number : {SIGKILL, SIGINT, SIGHUP}) {
    fs::create_directories(root_ / "files");
    guarded_process(number, cancel());
    EXPECT_TRUE(eventually([&] { return !fs::exists(root_ / "files"); }));
    EXPECT_EQ(cancelled(), "cohort-12 ab\ncohort-12 ab\n");
    EXPECT_TRUE(eventually([&] { return !fs::exists(root_ / "record") && !fs::exists(root_ / "record.new"); }));
    fs::remove(root_ / "cancelled");
  }
}

TEST_F(GuardTest, LeavesTheRecordIfTheJobsCannotBeCancelled) {
  guarded_process(SIGKILL, cancel() + "\nfalse");
  EXPECT_TRUE(eventually([&] { return !fs::exists(root_ / "files"); }));
  ::usleep(100'000);
  EXPECT_TRUE(fs::exists(root_ / "record"));
}

TEST_F(GuardTest, RemovesTheFilesWhereThereAreNoJobsToCancel) {
  guarded_process(SIGKILL, "");
  EXPECT_TRUE(eventually([&] { return !fs::exists(root_ / "files") && !fs::exists(root_ / "record"); }));
}

TEST_F(GuardTest, DoesNothingWhenItsMasterHasEndedIt) {
  guarded_process(0, cancel());
  ::usleep(200'000);
  EXPECT_EQ(cancelled(), "");
  EXPECT_TRUE(fs::exists(root_ / "files") && fs::exists(root_ / "record"));
}

}  // namespace
}  // namespace cohort::batch
