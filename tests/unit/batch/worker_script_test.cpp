// The lines of a job script that start workers, run by sh itself.

#include <cohort/batch/worker_script.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <cohort/batch/command.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;

class WorkerScriptTest : public testing::Test {
 protected:
  WorkerScriptTest() {
    std::string pattern = (fs::temp_directory_path() / "co.script.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    for (const char* job : {"1", "3"}) write("join-" + std::string(job) + ".json", "secret " + std::string(job) + "\n");
    request_.command = {"/bin/sh", "-c", "read -r line; echo \"$$ has $line, $*, in $(pwd), $VALUE\"; exit 7",
                        "worker"};
    request_.dir = directory_;
    request_.join_file = directory_ / "join-";
    request_.output = directory_ / "job-";
    request_.environment = {{"VALUE", "a 'b' $c"}};
  }
  ~WorkerScriptTest() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(directory_ / name) << text; }
  std::string text_of_file(const std::string& name) const {
    std::ifstream file(directory_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// @return what the failure of the script said; empty: it has not failed.
  std::string run_script(const WorkerStart& start) const {
    const std::string file = script_file(request_);
    std::ofstream(file) << "#!/bin/sh\n" << worker_lines(start, request_);
    try {
      run({.words = {"/bin/sh", file}, .environment = {{"INDEX", "3"}, {"HOSTS", "h1 h2 h3 h4"}}});
    } catch (const CommandError& error) {
      return error.what();
    }
    return "";
  }
  int pid_of(int number, const std::string& output) const {
    const std::string mark = std::string(worker_mark) + std::to_string(number) + ' ';
    return std::atoi(output.substr(output.find(mark) + mark.size()).c_str());
  }

  fs::path directory_;
  JobRequest request_;
};

constexpr WorkerStart on_named_hosts{.array_index = "$INDEX",
                                     .on_hosts = "  for host in $HOSTS; do start env NODE=\"$host\"; done"};

TEST_F(WorkerScriptTest, AWorkerHasItsNumberItsEnvironmentAndTheJoinFile) {
  EXPECT_NE(run_script({.array_index = "$INDEX"}).find("exited with code 7"), std::string::npos);
  const std::string output = text_of_file("job-1.out");
  const int pid = pid_of(0, output);
  EXPECT_NE(output.find(std::to_string(pid) + " has secret 1, --cohort-worker-number=0, in " + directory_.string() +
                        ", a 'b' $c\n"),
            std::string::npos)
      << output;
  EXPECT_TRUE(end_by_marks(output, pid).starts_with("exited with code 7 on ")) << output;
}

TEST_F(WorkerScriptTest, AJobOfAnArrayHasFilesOfItsOwn) {
  request_.jobs = 5;
  run_script({.array_index = "$INDEX"});
  EXPECT_NE(text_of_file("job-3.out").find("has secret 3, "), std::string::npos);
}

TEST_F(WorkerScriptTest, EachWorkerOfAJobIsStartedOnItsHost) {
  request_.jobs = 5;
  request_.workers = 3;
  request_.command = {"/bin/sh", "-c", "read -r line; echo \"$NODE $line $*\"; [ \"$NODE\" != h2 ] || kill -9 $$",
                      "worker"};
  EXPECT_NE(run_script(on_named_hosts).find("exited with code 137"), std::string::npos);
  const std::string output = text_of_file("job-3.out");
  for (int number = 0; number < 3; ++number)
    EXPECT_NE(
        output.find("h" + std::to_string(number + 1) + " secret 3 --cohort-worker-number=" + std::to_string(number)),
        std::string::npos)
        << output;
  EXPECT_EQ(output.find("h4"), std::string::npos) << "more than there are to be: " << output;
  EXPECT_TRUE(end_by_marks(output, pid_of(1, output)).starts_with("was ended by signal 9 on ")) << output;
}

TEST_F(WorkerScriptTest, AJobWithTooFewPlacesSaysSo) {
  request_.workers = 6;
  run_script(on_named_hosts);
  EXPECT_NE(text_of_file("job-1.out").find("this job has room for 4 workers, of 6"), std::string::npos);
}

TEST_F(WorkerScriptTest, SignalsToAllProcessesOfAJobLeaveTheScriptToSayHowTheWorkerEnded) {
  request_.command = {"/bin/sh", "-c", "kill -TERM $PPID $$; sleep 10", "worker"};
  run_script({.array_index = "$INDEX"});
  const std::string output = text_of_file("job-1.out");
  EXPECT_TRUE(end_by_marks(output, pid_of(0, output)).starts_with("was ended by signal 15 on ")) << output;
}

TEST_F(WorkerScriptTest, APathThatSeveralShellsWouldReadIsRefused) {
  request_.workers = 2;
  request_.output = "/tmp/a b/job-";
  EXPECT_THROW(worker_lines(on_named_hosts, request_), cohort::ConfigError);
}

}  // namespace
}  // namespace cohort::batch
