// cohort reap with records that this test writes, and a scancel that only says what it was given. Against a real Slurm:
// tests/batch/reap_test.cpp.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/file_descriptor.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Reap : public testing::Test {
 protected:
  Reap() {
    fs::create_directories(directory_.path("state/cohort/jobs"));
    for (const auto& part : {"state", "state/cohort", "state/cohort/jobs"})
      fs::permissions(directory_.path(part), fs::perms(0700));
    scancel("exit 0");
  }

  void scancel(const std::string& end) {
    const auto script =
        directory_.write("scancel", "#!/bin/sh\necho \"$@\" >>'" + directory_.path("cancelled") + "'\n" + end + '\n');
    fs::permissions(script, fs::perms(0755));
  }
  /// The arguments of all its calls.
  std::string cancelled() {
    const auto text = fs::exists(directory_.path("cancelled")) ? directory_.read("cancelled") : "";
    fs::remove(directory_.path("cancelled"));
    return text;
  }

  ToolResult reap(const std::string& flags = "") {
    return run_script("PATH=" + directory_.path() + ":$PATH XDG_STATE_HOME=" + directory_.path("state") +
                      " $cohort reap " + flags);
  }

  static std::string this_host() {
    std::string name(256, '\0');
    ::gethostname(name.data(), name.size() - 1);
    return name.c_str();
  }
  std::string files(const std::string& name) const { return directory_.path("files/" + name); }
  std::string record(const std::string& name) const { return directory_.path("state/cohort/jobs/" + name); }

  std::string text_of_record(const std::string& name, const std::string& host, const std::string& its_files) const {
    return R"({"version": 1, "name": ")" + name + R"(", "scheduler": "slurm", "host": ")" + host +
           R"(", "pid": 4711, "files": ")" + its_files + R"(", "began": 1796049651})" + '\n';
  }
  void write_private(const std::string& path, const std::string& text) const {
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms(0600));
  }
  /// What a cluster leaves of which this host's failure ended all processes.
  void leave(const std::string& name, const std::string& host = this_host()) const {
    fs::create_directories(files(name));
    write_private(files(name) + "/join-1-1.json", "secret");
    write_private(record(name), text_of_record(name, host, files(name)));
  }
  bool is_left(const std::string& name) const { return fs::exists(record(name)) && fs::exists(files(name)); }
  bool is_gone(const std::string& name) const { return !fs::exists(record(name)) && !fs::exists(files(name)); }

  const TemporaryDirectory directory_;
  const std::string ended_ = "cohort-00000000e0", other_ = "cohort-0000000001";
};

TEST_F(Reap, CancelsTheJobsOfWhatHasEndedAndRemovesItsFiles) {
  EXPECT_EQ(reap().out, "nothing is left of clusters that have ended\n");
  leave(ended_);
  const auto listed = reap("--dry-run");
  EXPECT_TRUE(listed.out.starts_with(ended_ + " (slurm, process 4711 on " + this_host() + ", begun 2026-1"))
      << listed.out;
  EXPECT_TRUE(listed.out.ends_with("): to be removed, with " + files(ended_) + '\n')) << listed.out;
  EXPECT_TRUE(is_left(ended_));
  EXPECT_EQ(cancelled(), "");

  const auto result = reap();
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(result.out.ends_with("): jobs cancelled, files removed\n")) << result.out << result.err;
  EXPECT_EQ(cancelled(), "--quiet --name=" + ended_ + '\n');
  EXPECT_TRUE(is_gone(ended_));
}

TEST_F(Reap, TouchesNothingOfAClusterThatExists) {
  leave(ended_);
  leave(other_);
  const cohort::FileDescriptor held(::open(record(other_).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  EXPECT_EQ(reap("--all").code, 0);
  EXPECT_TRUE(is_gone(ended_) && is_left(other_));
  EXPECT_EQ(cancelled(), "--quiet --name=" + ended_ + '\n');
  const auto by_name = reap("-m slurm --name " + other_);
  EXPECT_EQ(by_name.code, 1);
  EXPECT_EQ(by_name.err, "cohort: " + other_ + " is a cluster that exists. It ends with its program\n");
  EXPECT_TRUE(is_left(other_));
  EXPECT_EQ(cancelled(), "");
}

// A host that fails may leave a record that is not complete, from before there were jobs.
TEST_F(Reap, RemovesTheBeginningOfARecordUnlessItIsBeingWritten) {
  const std::string unfinished = record(ended_) + ".new";
  write_private(unfinished, "{\"vers");
  EXPECT_EQ(reap("--dry-run").out, ended_ + " (ended before it had jobs): its record is to be removed\n");
  {
    const cohort::FileDescriptor held(::open(unfinished.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
    EXPECT_EQ(reap().out, "nothing is left of clusters that have ended\n");
    EXPECT_TRUE(fs::exists(unfinished));
  }
  EXPECT_EQ(reap("--name " + other_ + " -m slurm").code, 0);
  EXPECT_TRUE(fs::exists(unfinished)) << "it is another cluster's";
  const auto result = reap();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, ended_ + " (ended before it had jobs): its record is removed\n");
  EXPECT_FALSE(fs::exists(unfinished));
  EXPECT_EQ(cancelled(), "--quiet --name=" + other_ + '\n');
}

TEST_F(Reap, KeepsWhatCannotBeCancelledForLater) {
  leave(ended_);
  scancel("echo 'Unable to contact slurm controller' >&2; exit 1");
  const auto result = reap();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(contains(result.err, "): not removed: '")) << result.err;
  EXPECT_TRUE(contains(result.err, "Unable to contact slurm controller")) << result.err;
  EXPECT_TRUE(is_left(ended_));
}

TEST_F(Reap, LeavesClustersOfOtherHostsUnlessItIsToldThatTheyHaveEnded) {
  leave(other_, "login2");
  const auto result = reap();
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(contains(result.out, " on login2, ")) << result.out;
  EXPECT_TRUE(contains(result.out, "'cohort reap --all'")) << result.out;
  EXPECT_TRUE(is_left(other_));
  EXPECT_EQ(cancelled(), "");
  EXPECT_EQ(reap("--all").code, 0);
  EXPECT_TRUE(is_gone(other_));
}

TEST_F(Reap, RefusesWhatIsNoRecordOfThisUsersClustersAndGoesOn) {
  const auto refused = [&](const std::string& why) {
    leave(other_);
    const auto result = reap();
    EXPECT_EQ(result.code, 1) << why;
    EXPECT_TRUE(contains(result.err, "cohort: the record " + record(ended_) + " is left as it is: ")) << result.err;
    EXPECT_TRUE(contains(result.err, why)) << result.err;
    EXPECT_EQ(cancelled(), "--quiet --name=" + other_ + '\n') << why;
    EXPECT_TRUE(is_gone(other_)) << why;
    EXPECT_TRUE(fs::is_symlink(record(ended_)) || fs::exists(record(ended_))) << why;
    fs::remove_all(record(ended_));
    fs::remove_all(files(ended_));
  };
  const std::string good = text_of_record(ended_, this_host(), files(ended_));
  write_private(record(ended_), good.substr(0, 40));
  refused("syntax error");
  write_private(record(ended_), "");
  refused("record");
  write_private(record(ended_), std::string(100'000, ' '));
  refused("it is too long");
  write_private(record(ended_), good);
  fs::permissions(record(ended_), fs::perms(0644));
  refused("others may read or change it");
  write_private(directory_.path("elsewhere"), good);
  fs::create_symlink(directory_.path("elsewhere"), record(ended_));
  refused("it is a symbolic link");
  ASSERT_EQ(::mkfifo(record(ended_).c_str(), 0600), 0);
  refused("it is not a regular file");
  write_private(record(ended_), text_of_record("cohort-00000000e1", this_host(), files("cohort-00000000e1")));
  refused("it is the record of cohort-00000000e1");
  for (const auto& precious : std::vector<std::string>{directory_.path("precious"), "/", files(ended_) + "/.."}) {
    fs::create_directories(directory_.path("precious"));
    write_private(record(ended_), text_of_record(ended_, this_host(), precious));
    refused("is not the directory of the files of " + ended_);
  }
  fs::create_directory_symlink(directory_.path("precious"), files(ended_));
  write_private(record(ended_), good);
  refused(files(ended_) + " is not a directory");
  EXPECT_TRUE(fs::exists(directory_.path("precious")));
  if (::geteuid() != 0) return;
  leave(ended_);
  ASSERT_EQ(::chown(record(ended_).c_str(), 12345, 0), 0);
  refused("it belongs to another user");
  leave(ended_);
  ASSERT_EQ(::chown(files(ended_).c_str(), 12345, 0), 0);
  refused(files(ended_) + " belongs to another user");
}

// The command that cancels is the installed manager's; a record only says which manager.
TEST_F(Reap, RunsNothingThatIsInARecord) {
  fs::create_directories(files(ended_));
  std::string text = text_of_record(ended_, this_host(), files(ended_));
  const std::string command = "touch " + directory_.path("run");
  text.replace(text.find("slurm"), 5, command);
  write_private(record(ended_), text);
  const auto result = reap();
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(
      contains(result.err, "'" + command + "' is not a manager whose workers are jobs of a batch system: slurm"))
      << result.err;
  EXPECT_FALSE(fs::exists(directory_.path("run")));
  EXPECT_TRUE(is_left(ended_));
}

TEST_F(Reap, CancelsByANameWithoutARecord) {
  const auto result = reap("-m slurm --name " + other_);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, other_ + ": jobs of this name are cancelled, if there were any\n");
  EXPECT_EQ(cancelled(), "--quiet --name=" + other_ + '\n');
  EXPECT_EQ(reap("-m local --name " + other_).code, 3);
  EXPECT_EQ(reap("--name " + other_).code, 2);
  EXPECT_EQ(reap("-m slurm").code, 2);
  for (const std::string bad : {"x", "cohort-*", "cohort-000000000G"})
    EXPECT_EQ(reap("-m slurm --name '" + bad + "'").code, 2);
  EXPECT_EQ(cancelled(), "");
}

TEST_F(Reap, RefusesRecordsThatOthersCouldHaveWritten) {
  leave(ended_);
  fs::permissions(directory_.path("state/cohort/jobs"), fs::perms(0777));
  const auto result = reap();
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(contains(result.err, directory_.path("state/cohort/jobs"))) << result.err;
  EXPECT_TRUE(is_left(ended_));
}

}  // namespace
