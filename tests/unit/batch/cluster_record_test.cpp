// The record by which `cohort reap` finds what a cluster has left.

#include "batch/cluster_record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;

const Dialect slurm{"slurm", "scancel"};
const std::string name = "cohort-0123456789";

class ClusterRecordTest : public testing::Test {
 protected:
  ClusterRecordTest() {
    std::string pattern = (fs::temp_directory_path() / "co.record.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    ::setenv("XDG_STATE_HOME", (root_ / "state").c_str(), 1);
  }
  ~ClusterRecordTest() override {
    fs::remove_all(root_);
    ::unsetenv("XDG_STATE_HOME");
  }

  fs::path file() const { return root_ / "state/cohort/jobs" / name; }
  std::string text() const {
    std::ifstream input(file());
    return {std::istreambuf_iterator<char>(input), {}};
  }
  bool is_locked() const {
    const cohort::FileDescriptor other(::open(file().c_str(), O_RDWR | O_CLOEXEC));
    return ::flock(other.get(), LOCK_EX | LOCK_NB) != 0;
  }

  fs::path root_;
};

TEST_F(ClusterRecordTest, IsPrivateLockedAndCompleteWhileItIsHeldAndThenGone) {
  {
    const HeldRecord held(slurm, name, root_ / name);
    EXPECT_EQ(held.path(), file());
    EXPECT_EQ(fs::status(file()).permissions(), fs::perms(0600));
    EXPECT_EQ(fs::status(file().parent_path()).permissions(), fs::perms(0700));
    EXPECT_TRUE(is_locked());
    const auto record = ClusterRecord::parse(text(), "here");
    EXPECT_EQ(record.name, name);
    EXPECT_EQ(record.scheduler, "slurm");
    EXPECT_EQ(record.host, this_host());
    EXPECT_EQ(record.pid, ::getpid());
    EXPECT_EQ(record.files, root_ / name);
    EXPECT_LT(std::chrono::system_clock::now() - record.began, std::chrono::minutes(1));
  }
  EXPECT_TRUE(fs::is_empty(file().parent_path()));
  {
    HeldRecord held(slurm, name, root_ / name);
    held.keep();
  }
  EXPECT_FALSE(is_locked()) << "it is there, and nobody holds it";
}

TEST_F(ClusterRecordTest, WorkersWithinAnAllocationHaveNoJobsToCancel) {
  const HeldRecord held({"a step of Slurm", ""}, name, root_ / name);
  EXPECT_EQ(ClusterRecord::parse(text(), "here").scheduler, "");
}

TEST_F(ClusterRecordTest, WhereItCannotBeWrittenThereIsNoneAndAMessage) {
  std::ofstream(root_ / "state") << "no directory";
  testing::internal::CaptureStderr();
  const HeldRecord held(slurm, name, root_ / name);
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(held.path().empty());
  EXPECT_TRUE(printed.starts_with("cohort: the jobs are not recorded")) << printed;
  EXPECT_NE(printed.find((root_ / "state").string() + "/cohort"), printed.npos) << printed;
}

// `cohort reap` removes an unfinished record that nobody has locked, which this one is for a moment.
TEST_F(ClusterRecordTest, IsWrittenOnceMoreIfSomebodyRemovesItBeforeItIsComplete) {
  fs::create_directories(file().parent_path());
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    while (!is_over) {
      const cohort::FileDescriptor found(::open(unfinished_record(file()).c_str(), O_RDWR | O_CLOEXEC));
      if (found && ::flock(found.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(unfinished_record(file()).c_str());
    }
  });
  int written = 0;
  for (int i = 0; i < 40; ++i) {
    const HeldRecord held(slurm, name, root_ / name);
    written += held.path() == file() && is_locked() ? 1 : 0;
  }
  is_over = true;
  other.join();
  EXPECT_EQ(written, 40);
  EXPECT_TRUE(fs::is_empty(file().parent_path()));
}

TEST(ClusterRecord, OfAnotherFormIsRefusedWithWhatIsWrong) {
  const auto why = [](const std::string& text) -> std::string {
    try {
      ClusterRecord::parse(text, "here");
      return "";
    } catch (const cohort::ConfigError& error) {
      return error.what();
    }
  };
  const auto with = [](const std::string& its_name, const std::string& files) {
    return R"({"version": 1, "name": ")" + its_name + R"(", "host": "a", "pid": 7, "files": ")" + files +
           R"(", "began": 1})";
  };
  EXPECT_EQ(why(with(name, "/tmp/" + name)), "");
  EXPECT_NE(why("").find("here"), std::string::npos);
  EXPECT_NE(why("{}").find("'version' is missing"), std::string::npos) << why("{}");
  EXPECT_NE(why(R"({"version": 2})").find("version"), std::string::npos);
  for (const std::string other : {"", "cohort-", "cohort-012345678", "cohort-01234567890", "cohort-012345678G", "x"})
    EXPECT_NE(why(with(other, "/tmp/" + other)).find("not the name of a cluster's jobs"), std::string::npos) << other;
  for (const auto& files : std::vector<std::string>{"", "/", "/tmp", "/tmp/cohort-0123456788", "/tmp/../" + name,
                                                    "here/" + name, "/tmp/" + name + "/", "/tmp/" + name + "/x"})
    EXPECT_NE(why(with(name, files)).find("is not the directory of the files of"), std::string::npos) << files;
}

}  // namespace
}  // namespace cohort::batch
