// What every driver of a scheduler does, as a manager relies on it.

#include "driver_contract.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/batch/command.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/error.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"

namespace cohort::test {

DriverUnderTest& driver_under_test() {
  static DriverUnderTest driver;
  return driver;
}

namespace {

using namespace std::chrono_literals;
using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::batch::JobState;
using cohort::batch::JobStatus;
using contract::eventually;
namespace fs = std::filesystem;

class DriverContract : public testing::Test {
 protected:
  void SetUp() override { use("{}"); }
  void TearDown() override {
    if (driver_ != nullptr) driver_->cancel(submitted_);
  }

  void use(const std::string& options) { driver_ = driver_under_test().make(options); }

  /// Jobs that run this text of sh; its standard input is the join file.
  JobRequest request(const std::string& script, int jobs = 1, int workers = 1) const {
    JobRequest request;
    request.name = name_;
    request.jobs = jobs;
    request.workers = workers;
    request.command = {"/bin/sh", "-c", script, "worker"};
    request.dir = files_.path();
    request.join_file = files_.path() + "/join-";
    request.output = files_.path() + "/job-";
    for (int job = 1; job <= jobs; ++job) {
      request.join_texts.push_back("join text " + std::to_string(job) + '\n');
      files_.write("join-" + std::to_string(job) + ".json", request.join_texts.back());
    }
    return request;
  }
  std::vector<JobId> submit(const JobRequest& request) {
    auto ids = driver_->submit(request);
    EXPECT_EQ(ids.size(), static_cast<std::size_t>(request.jobs));
    submitted_.insert(submitted_.end(), ids.begin(), ids.end());
    return ids;
  }
  JobStatus status(const JobId& job) {
    const auto all = driver_->status({job});
    const auto found = all.find(job);
    return found == all.end() ? JobStatus{} : found->second;
  }
  /// The last status, when it is in this state, or after some time.
  JobStatus wait_for(const JobId& job, JobState state) {
    return wait_until(job, [&](const JobStatus& last) { return last.state == state && !last.ending; });
  }
  template <class IsRight>
  JobStatus wait_until(const JobId& job, IsRight is_right) {
    JobStatus last;
    eventually([&] { return is_right(last = status(job)); });
    return last;
  }
  std::string output(int job = 1) const { return text_of_file(files_.path() + "/job-" + std::to_string(job) + ".out"); }
  bool has_printed(const std::string& text, int job = 1) const {
    return eventually([&] { return output(job).find(text) != std::string::npos; });
  }
  void let_go_on() const { files_.write("go", ""); }
  void cancel_by_name(const std::string& name) const {
    cohort::batch::run({.words = {"/bin/sh", "-c", driver_->dialect().cancel_by_name, "cancel", name}});
  }

  static std::string text(const JobStatus& status) { return std::string(text_of(status)) + " on " + status.host; }
  static bool is_over(const JobStatus& status) { return has_ended(status.state) || status.state == JobState::unknown; }

  static std::string new_name() {
    static int tests = 0;
    return "cohort-" + std::to_string(::getpid()) + 't' + std::to_string(++tests);
  }

  static constexpr const char* until_told = "while [ ! -e go ]; do sleep 0.1; done; ";

  const std::string name_ = new_name();
  const TemporaryDirectory files_;
  std::unique_ptr<cohort::batch::QueueDriver> driver_;
  std::vector<JobId> submitted_;
};

TEST_F(DriverContract, AJobRunsWithItsJoinFileAndIsSeenInEachState) {
  const auto job = submit(request(std::string("read -r line; echo \"got $line $*\"; ") + until_told + "exit 0"))[0];
  const auto active = wait_for(job, JobState::active);
  EXPECT_EQ(active.state, JobState::active) << text(active);
  EXPECT_NE(active.host, "");
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=0\n")) << output();
  EXPECT_TRUE(has_printed(std::string(cohort::batch::worker_mark) + "0 ")) << output();
  let_go_on();
  const auto completed = wait_for(job, JobState::completed);
  EXPECT_EQ(completed.state, JobState::completed) << text(completed);
}

TEST_F(DriverContract, AJobThatFailsHasItsExitCode) {
  const auto failed = wait_for(submit(request("exit 3"))[0], JobState::failed);
  EXPECT_EQ(failed.state, JobState::failed) << text(failed);
  EXPECT_EQ(failed.exit_code, 3) << text(failed);
}

TEST_F(DriverContract, AJobThatIsCancelledEndsAndSaysSo) {
  const auto job = submit(request("echo begun; exec sleep 1000"))[0];
  ASSERT_TRUE(has_printed("begun")) << output();
  driver_->cancel({job});
  const auto ended = wait_until(job, is_over);
  EXPECT_TRUE(is_over(ended)) << text(ended);
  if (driver_under_test().tells_who_cancelled) {
    EXPECT_EQ(ended.state, JobState::cancelled) << text(ended);
  }
  driver_->cancel({job});  // one that is gone is no error
  driver_->cancel({});
}

TEST_F(DriverContract, AJobThatWaitsIsQueuedUntilItIsCancelled) {
  use(driver_under_test().stays_queued);
  const auto job = submit(request("exit 0"))[0];
  const auto queued = wait_until(job, [](const JobStatus& last) { return !last.reason.empty(); });
  EXPECT_EQ(queued.state, JobState::queued) << text(queued);
  EXPECT_NE(queued.reason, "");
  driver_->cancel({job});
  const auto ended = wait_until(job, is_over);
  EXPECT_TRUE(is_over(ended)) << text(ended);
}

TEST_F(DriverContract, JobsOfAnArrayHaveFilesAndExitCodesOfTheirOwn) {
  const auto jobs = submit(request("read -r line; echo \"got $line\"; set -- $line; exit $3", 3));
  for (int job = 1; job <= 3; ++job) {
    EXPECT_TRUE(has_printed("got join text " + std::to_string(job) + '\n', job)) << output(job);
    const auto failed = wait_for(jobs[static_cast<std::size_t>(job - 1)], JobState::failed);
    EXPECT_EQ(failed.exit_code, job) << text(failed);
  }
}

TEST_F(DriverContract, AJobOfAnArrayIsCancelledWithoutTheOthers) {
  const auto jobs = submit(request(std::string("echo begun; ") + until_told, 2));
  ASSERT_TRUE(has_printed("begun", 1) && has_printed("begun", 2)) << output(1) << output(2);
  driver_->cancel({jobs[1]});
  EXPECT_TRUE(is_over(wait_until(jobs[1], is_over)));
  EXPECT_EQ(status(jobs[0]).state, JobState::active);
  let_go_on();
  EXPECT_EQ(wait_for(jobs[0], JobState::completed).state, JobState::completed);
}

TEST_F(DriverContract, AWorkerGetsASignalAndGoesOn) {
  if (!driver_under_test().signals) GTEST_SKIP() << "it cannot send one";
  for (const int jobs : {1, 2}) {
    const auto job =
        submit(request("trap 'echo interrupted' INT; echo pid $$; while :; do sleep 0.1; done", jobs)).back();
    ASSERT_TRUE(has_printed("pid ", jobs)) << output(jobs);
    const std::string printed = output(jobs);
    const int pid = std::stoi(printed.substr(printed.find("pid ") + 4));
    ASSERT_EQ(wait_for(job, JobState::active).state, JobState::active);
    driver_->signal_worker(job, printed, pid, SIGINT);
    EXPECT_TRUE(has_printed("interrupted", jobs)) << output(jobs);
    EXPECT_EQ(status(job).state, JobState::active);
    driver_->cancel(submitted_);
    fs::remove(files_.path() + "/job-1.out");
  }
}

TEST_F(DriverContract, AHundredJobsAreOneQuery) {
  const std::string program = files_.path() + "/status";
  files_.write("status", "#!/bin/sh\necho . >>" + files_.path() + "/queries\nexec " +
                             driver_under_test().status_program + " \"$@\"\n");
  fs::permissions(program, fs::perms(0755));
  std::string options = driver_under_test().stays_queued;
  options.insert(options.size() - 1, ", \"status\": [\"" + program + "\"]");
  use(options);
  const auto jobs = submit(request("exit 0", 100));
  ASSERT_TRUE(eventually([&] { return driver_->status(jobs).size() == jobs.size(); }));
  fs::remove(files_.path() + "/queries");
  const auto all = driver_->status(jobs);
  EXPECT_LE(text_of_file(files_.path() + "/queries").size(), 4u) << "two, where one of them says why jobs wait";
  EXPECT_EQ(all.size(), 100u);
  for (const auto& [job, one] : all) EXPECT_EQ(one.state, JobState::queued) << job << ' ' << text(one);
  driver_->cancel(jobs);
}

TEST_F(DriverContract, AJobThatThereIsNotIsUnknown) {
  const auto job = submit(request("exit 0"))[0];
  JobId other = job;
  const auto digits = other.find_first_not_of("0123456789");
  other.replace(0, digits, "99999");
  const auto all = driver_->status({job, other});
  EXPECT_TRUE(all.contains(job));
  EXPECT_TRUE(!all.contains(other) || all.at(other).state == JobState::unknown);
  EXPECT_TRUE(driver_->status({other}).empty() || driver_->status({other}).at(other).state == JobState::unknown);
  driver_->cancel({other});
}

TEST_F(DriverContract, JobsAreCancelledByTheirName) {
  const auto jobs = submit(request("echo begun; exec sleep 1000", 2));
  const auto other = [&] {
    auto its_request = request("echo begun; exec sleep 1000");
    its_request.name += 'x';
    its_request.output = files_.path() + "/other-";
    return submit(its_request)[0];
  }();
  for (const auto& job : jobs) EXPECT_EQ(wait_for(job, JobState::active).state, JobState::active);
  EXPECT_EQ(wait_for(other, JobState::active).state, JobState::active);
  cancel_by_name(name_);
  for (const auto& job : jobs) EXPECT_TRUE(is_over(wait_until(job, is_over)));
  EXPECT_EQ(status(other).state, JobState::active);
  cancel_by_name(name_);  // none is left
}

TEST_F(DriverContract, AJobThatIsRefusedFailsAtOnceWithTheWordsOfTheScheduler) {
  if (driver_under_test().refused.empty()) GTEST_SKIP() << "it has no queues that could be wrong";
  use(driver_under_test().refused);
  const auto begin = std::chrono::steady_clock::now();
  try {
    submit(request("exit 0"));
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nowhere"), std::string::npos) << error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "not tried again";
}

TEST_F(DriverContract, WorkersOfOneJobHaveTheirNumbersAndTheirEnds) {
  if (driver_under_test().many_workers.empty()) GTEST_SKIP() << "a job is one worker";
  use(driver_under_test().many_workers);
  const auto job =
      submit(request("read -r line; echo \"$$ got $line $*\"; case $* in *=1) exit 7;; esac; sleep 1000", 1, 2))[0];
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=0\n")) << output();
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=1\n")) << output();
  const std::string printed = output();
  const auto end = printed.find(" got join text 1 --cohort-worker-number=1");
  const auto begin = printed.rfind('\n', end) + 1;
  const int pid = std::stoi(printed.substr(begin, end - begin));
  std::string said;
  EXPECT_TRUE(eventually([&] { return !(said = driver_->end_of_worker(output(), pid)).empty(); })) << output();
  EXPECT_NE(said.find("xited with"), std::string::npos) << said;
  EXPECT_NE(said.find("code 7 on "), std::string::npos) << said;
}

}  // namespace
}  // namespace cohort::test
