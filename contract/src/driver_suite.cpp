// What every driver of a scheduler does, as a manager relies on it.

#include <cohort/contract/driver_suite.hpp>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <system_error>

#include <cohort/batch/command.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/contract/eventually.hpp>
#include <cohort/error.hpp>

#include "processes.hpp"

// In messages of tests.
namespace cohort::batch {
static void PrintTo(JobState state, std::ostream* out) { *out << name_of(state); }
}  // namespace cohort::batch

namespace cohort::contract {

using namespace std::chrono_literals;
using batch::JobId;
using batch::JobRequest;
using batch::JobState;
using batch::JobStatus;
namespace fs = std::filesystem;

namespace {

constexpr const char* until_told = "while [ ! -e go ]; do sleep 0.1; done; ";

std::string text(const JobStatus& status) { return batch::text_of(status) + " on " + status.host; }
bool is_over(const JobStatus& status) { return has_ended(status.state) || status.state == JobState::unknown; }

std::string new_name() {
  static int tests = 0;
  return "cohort-" + std::to_string(::getpid()) + 't' + std::to_string(++tests);
}

fs::path new_directory() {
  std::string pattern = fs::temp_directory_path() / "cohort-driver.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw Error("cannot make a directory " + pattern);
  return pattern;
}

// The number at the beginning of a text; 0: there is none.
int number_of(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void cancel_by_name(const batch::QueueDriver& driver, const std::string& name) {
  batch::run({.words = {"/bin/sh", "-c", driver.dialect().cancel_by_name, "cancel", name}});
}

}  // namespace

std::string test_name(const DriverUnderTest& driver) { return driver.name; }

DriverContract::DriverContract() : directory_(new_directory()), name_(new_name()) {}

// A job that ends meanwhile may still write there.
DriverContract::~DriverContract() {
  std::error_code error;
  eventually([&] { return fs::remove_all(directory_, error), !error; }, 5s);
}

void DriverContract::TearDown() {
  if (driver_ != nullptr) driver_->cancel(submitted_);
}

void DriverContract::use(const std::string& options) { driver_ = GetParam().make(options); }

JobRequest DriverContract::request(const std::string& script, int jobs, int workers) const {
  JobRequest request;
  request.name = name_;
  request.jobs = jobs;
  request.workers = workers;
  request.command = {"/bin/sh", "-c", script, "worker"};
  request.dir = directory_;
  request.join_file = path("join-");
  request.output = path("job-");
  for (int job = 1; job <= jobs; ++job) {
    request.join_texts.push_back("join text " + std::to_string(job) + '\n');
    write("join-" + std::to_string(job) + ".json", request.join_texts.back());
  }
  return request;
}

std::vector<JobId> DriverContract::submit(const JobRequest& request) {
  auto ids = driver_->submit(request);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(request.jobs));
  submitted_.insert(submitted_.end(), ids.begin(), ids.end());
  return ids;
}

JobStatus DriverContract::status(const JobId& job) {
  const auto all = driver_->status({job});
  const auto found = all.find(job);
  return found == all.end() ? JobStatus{} : found->second;
}

JobStatus DriverContract::wait_until(const JobId& job, const std::function<bool(const JobStatus&)>& is_right) {
  JobStatus last;
  eventually([&] { return is_right(last = status(job)); });
  return last;
}

JobStatus DriverContract::wait_for(const JobId& job, JobState state) {
  return wait_until(job, [&](const JobStatus& last) { return last.state == state && !last.ending; });
}

std::string DriverContract::output(int job) const { return text_of(path("job-" + std::to_string(job) + ".out")); }

bool DriverContract::has_printed(const std::string& text, int job) const {
  return eventually([&] { return output(job).find(text) != std::string::npos; });
}

void DriverContract::write(const std::string& file, const std::string& text) const {
  std::ofstream(path(file)) << text;
}

TEST_P(DriverContract, AJobRunsWithItsJoinFileAndIsSeenInEachState) {
  const auto job = submit(request(std::string("read -r line; echo \"got $line $*\"; ") + until_told + "exit 0"))[0];
  const auto active = wait_for(job, JobState::active);
  EXPECT_EQ(active.state, JobState::active) << text(active);
  EXPECT_NE(active.host, "");
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=0\n")) << output();
  EXPECT_TRUE(has_printed(std::string(batch::worker_mark) + "0 ")) << output();
  write("go", "");
  const auto completed = wait_for(job, JobState::completed);
  EXPECT_EQ(completed.state, JobState::completed) << text(completed);
}

TEST_P(DriverContract, AJobThatFailsHasItsExitCode) {
  const auto failed = wait_for(submit(request("exit 3"))[0], JobState::failed);
  EXPECT_EQ(failed.state, JobState::failed) << text(failed);
  EXPECT_EQ(failed.exit_code, 3) << text(failed);
}

TEST_P(DriverContract, AJobThatIsCancelledEndsAndSaysSo) {
  const auto job = submit(request("echo begun; exec sleep 1000"))[0];
  ASSERT_TRUE(has_printed("begun")) << output();
  driver_->cancel({job});
  const auto ended = wait_until(job, is_over);
  EXPECT_TRUE(is_over(ended)) << text(ended);
  if (GetParam().tells_who_cancelled) {
    EXPECT_EQ(ended.state, JobState::cancelled) << text(ended);
  }
  driver_->cancel({job});  // one that is gone is no error
  driver_->cancel({});
}

TEST_P(DriverContract, AJobThatWaitsIsQueuedUntilItIsCancelled) {
  use(GetParam().stays_queued);
  const auto job = submit(request("exit 0"))[0];
  const auto queued = wait_until(job, [](const JobStatus& last) { return !last.reason.empty(); });
  EXPECT_EQ(queued.state, JobState::queued) << text(queued);
  EXPECT_NE(queued.reason, "");
  driver_->cancel({job});
  const auto ended = wait_until(job, is_over);
  EXPECT_TRUE(is_over(ended)) << text(ended);
}

TEST_P(DriverContract, JobsOfAnArrayHaveFilesAndExitCodesOfTheirOwn) {
  const auto jobs = submit(request("read -r line; echo \"got $line\"; set -- $line; exit $3", 3));
  for (int job = 1; job <= 3; ++job) {
    EXPECT_TRUE(has_printed("got join text " + std::to_string(job) + '\n', job)) << output(job);
    const auto failed = wait_for(jobs[static_cast<std::size_t>(job - 1)], JobState::failed);
    EXPECT_EQ(failed.exit_code, job) << text(failed);
  }
}

TEST_P(DriverContract, AJobOfAnArrayIsCancelledWithoutTheOthers) {
  const auto jobs = submit(request(std::string("echo begun; ") + until_told, 2));
  ASSERT_TRUE(has_printed("begun", 1) && has_printed("begun", 2)) << output(1) << output(2);
  driver_->cancel({jobs[1]});
  EXPECT_TRUE(is_over(wait_until(jobs[1], is_over)));
  EXPECT_EQ(status(jobs[0]).state, JobState::active);
  write("go", "");
  EXPECT_EQ(wait_for(jobs[0], JobState::completed).state, JobState::completed);
}

TEST_P(DriverContract, AWorkerGetsASignalAndGoesOn) {
  if (!GetParam().signals) GTEST_SKIP() << "it cannot send one";
  for (const int jobs : {1, 2}) {
    const auto job =
        submit(request("trap 'echo interrupted' INT; echo pid $$; while :; do sleep 0.1; done", jobs)).back();
    ASSERT_TRUE(has_printed("pid ", jobs)) << output(jobs);
    const std::string printed = output(jobs);
    const int pid = number_of(std::string_view(printed).substr(printed.find("pid ") + 4));
    ASSERT_EQ(wait_for(job, JobState::active).state, JobState::active);
    driver_->signal_worker(job, printed, pid, SIGINT);
    EXPECT_TRUE(has_printed("interrupted", jobs)) << output(jobs);
    EXPECT_EQ(status(job).state, JobState::active);
    driver_->cancel(submitted_);
    fs::remove(path("job-1.out"));
  }
}

TEST_P(DriverContract, AHundredJobsAreOneQuery) {
  if (GetParam().status_program.empty()) GTEST_SKIP() << "its queries are not seen";
  const std::string program = path("status");
  write("status", "#!/bin/sh\necho . >>" + path("queries") + "\nexec " + GetParam().status_program + " \"$@\"\n");
  fs::permissions(program, fs::perms(0755));
  std::string options = GetParam().stays_queued;
  options.insert(options.size() - 1, ", \"status\": [\"" + program + "\"]");
  use(options);
  const auto jobs = submit(request("exit 0", 100));
  ASSERT_TRUE(eventually([&] { return driver_->status(jobs).size() == jobs.size(); }));
  fs::remove(path("queries"));
  const auto all = driver_->status(jobs);
  EXPECT_LE(text_of(path("queries")).size(), 4u) << "two, where one of them says why jobs wait";
  EXPECT_EQ(all.size(), 100u);
  for (const auto& [job, one] : all) EXPECT_EQ(one.state, JobState::queued) << job << ' ' << text(one);
  driver_->cancel(jobs);
}

TEST_P(DriverContract, AJobThatThereIsNotIsUnknown) {
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

TEST_P(DriverContract, JobsAreCancelledByTheirName) {
  if (driver_->dialect().cancel_by_name.empty()) GTEST_SKIP() << "they end by themselves";
  const auto jobs = submit(request("echo begun; exec sleep 1000", 2));
  const auto other = [&] {
    auto its_request = request("echo begun; exec sleep 1000");
    its_request.name += 'x';
    its_request.output = path("other-");
    return submit(its_request)[0];
  }();
  for (const auto& job : jobs) EXPECT_EQ(wait_for(job, JobState::active).state, JobState::active);
  EXPECT_EQ(wait_for(other, JobState::active).state, JobState::active);
  cancel_by_name(*driver_, name_);
  for (const auto& job : jobs) EXPECT_TRUE(is_over(wait_until(job, is_over)));
  EXPECT_EQ(status(other).state, JobState::active);
  cancel_by_name(*driver_, name_);  // none is left
}

TEST_P(DriverContract, AJobThatIsRefusedFailsAtOnceWithTheWordsOfTheScheduler) {
  if (GetParam().refused.empty()) GTEST_SKIP() << "it has no queues that could be wrong";
  use(GetParam().refused);
  const auto begin = std::chrono::steady_clock::now();
  try {
    submit(request("exit 0"));
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nowhere"), std::string::npos) << error.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "not tried again";
}

TEST_P(DriverContract, WorkersOfOneJobHaveTheirNumbersAndTheirEnds) {
  if (GetParam().many_workers.empty()) GTEST_SKIP() << "a job is one worker";
  use(GetParam().many_workers);
  const auto job =
      submit(request("read -r line; echo \"$$ got $line $*\"; case $* in *=1) exit 7;; esac; sleep 1000", 1, 2))[0];
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=0\n")) << output();
  EXPECT_TRUE(has_printed("got join text 1 --cohort-worker-number=1\n")) << output();
  const std::string printed = output();
  const auto end = printed.find(" got join text 1 --cohort-worker-number=1");
  const auto begin = printed.rfind('\n', end) + 1;
  const int pid = number_of(std::string_view(printed).substr(begin, end - begin));
  std::string said;
  EXPECT_TRUE(eventually([&] { return !(said = driver_->end_of_worker(output(), pid)).empty(); })) << output();
  EXPECT_NE(said.find("xited with"), std::string::npos) << said;
  EXPECT_NE(said.find("code 7 on "), std::string::npos) << said;
}

}  // namespace cohort::contract
