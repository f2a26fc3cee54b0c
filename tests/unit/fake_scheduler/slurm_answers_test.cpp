// Directives and answers of the dialect slurm, without any process.

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fake_scheduler/slurm/commands.hpp"
#include "fake_scheduler/slurm/environment.hpp"
#include "fake_scheduler/slurm/submission.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

using namespace std::chrono_literals;

const Time then = Time(1796052132s);

class SlurmAnswersTest : public testing::Test {
 protected:
  Job& add(const std::string& name, JobStatus status, const std::vector<int>& tasks = {}) {
    Submission submission;
    submission.spec = {.name = name, .script = "#!/bin/sh\n", .dir = "/data/u", .user = "root", .queue = "all"};
    submission.spec.walltime = 1h;
    const auto added = jobs_.add(submission.spec, tasks, 0, false, then);
    for (Job* job : added) jobs_.set(*job, status, then);
    return *added.front();
  }
  std::string squeue(const std::vector<std::string>& arguments, const Faults& faults = {}, Time now = then + 10s) {
    const auto answer = slurm::squeue(arguments, jobs_.views(faults, now), "%s", now);
    return answer.out + answer.err;
  }

  JobTable jobs_{"all"};
};

const std::vector<Place> two_hosts{{"n1", 2, 2}, {"n2", 1, 1}};

TEST_F(SlurmAnswersTest, TheFieldsThatDriversAskFor) {
  add("done", {.state = State::failed,
               .reason = "NonZeroExitCode",
               .wait_status = 3 << 8,
               .places = two_hosts,
               .start = then,
               .end = then + 5s});
  add("runs", {.state = State::running, .reason = "None", .places = two_hosts, .start = then});
  add("waits", {.reason = "Resources"}, {1, 2, 5});
  EXPECT_EQ(squeue({"--noheader", "--states=all", "--jobs=1,2,3",
                    "--Format=JobID:|,State:|,exit_code:|,BatchHost:|,StartTime:|,EndTime:|,Reason:|"}),
            "1|FAILED|768|n1|1796052132|1796052137|NonZeroExitCode|\n"
            "3|PENDING|0|n/a|N/A|N/A|Resources|\n"
            "2|RUNNING|0|n1|1796052132|1796055732|None|\n");
  EXPECT_EQ(squeue({"-h", "-j", "2", "--format=%L"}), "59:50\n");
  EXPECT_EQ(squeue({}),
            "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n"
            "         3_[1-2,5]       all    waits     root PD       0:00      1 (Resources)\n"
            "                 2       all     runs     root  R       0:10      2 n[1-2]\n");
  EXPECT_EQ(squeue({"-h", "-r", "-n", "waits", "-o", "%.5i|%5j|%t"}),
            "  3_1|waits|PD\n  3_2|waits|PD\n  3_5|waits|PD\n");
  EXPECT_EQ(squeue({"-h", "-j", "2", "-O", "JobID:5,NodeList"}), "2    n[1-2]              \n");
  EXPECT_EQ(squeue({"-j", "99"}), "slurm_load_jobs error: Invalid job id specified\n");
  EXPECT_EQ(squeue({"-t", "BOGUS"}), "squeue: error: Invalid job state specified: BOGUS\n");
}

TEST_F(SlurmAnswersTest, StatusMayBeLateWrongOrEmpty) {
  Job& job = add("job", {.reason = "Resources"});
  jobs_.set(job, {.state = State::running, .reason = "None", .places = two_hosts, .start = then + 8s}, then + 8s);
  const auto state = [&](const Faults& faults) { return squeue({"-h", "-t", "all", "-o", "%T"}, faults); };
  EXPECT_EQ(state({}), "RUNNING\n");
  EXPECT_EQ(state({.status_delay = 5s}), "PENDING\n");
  EXPECT_EQ(state({.status_delay = 20s}), "");
  EXPECT_EQ(state({.empty_status = true}), "");
  job.lie = State::completed;
  EXPECT_EQ(state({}), "COMPLETED\n");
  job.lie.reset();
  job.vanished = true;
  EXPECT_EQ(state({}), "");
}

TEST_F(SlurmAnswersTest, JobsThatEndedLongAgoAreForgotten) {
  add("old", {.state = State::completed, .start = then, .end = then + 1s});
  add("new", {.state = State::completed, .start = then, .end = then + 9s});
  add("runs", {.state = State::running, .places = two_hosts, .start = then});
  jobs_.forget_ended_before(then + 5s);
  EXPECT_EQ(squeue({"-h", "-t", "all", "-o", "%j"}), "new\nruns\n");
}

TEST(SlurmDirectivesTest, OptionsOfAScript) {
  Submission submission;
  ASSERT_FALSE(read_script(
      "#!/bin/bash\n#SBATCH -J sweep -n 4 --mem=2G\n#SBATCH --time=1-02:00 --signal=B:USR1@30\n"
      "#SBATCH --array=0-6:2%3 --no-requeue\n#SBATCH -o \"out %j.txt\" -p long -A project -N 2\ntrue\n#SBATCH -n 9\n",
      submission));
  const JobSpec& spec = submission.spec;
  EXPECT_EQ(spec.name, "sweep");
  EXPECT_EQ(spec.tasks, 4);
  EXPECT_EQ(spec.nodes, 2);
  EXPECT_EQ(spec.memory, std::uint64_t{2} << 30);
  EXPECT_EQ(spec.walltime, 26h);
  ASSERT_TRUE(spec.warning);
  EXPECT_TRUE(spec.warning->batch_only);
  EXPECT_EQ(spec.warning->before, 30s);
  EXPECT_EQ(submission.array_tasks, (std::vector<int>{0, 2, 4, 6}));
  EXPECT_EQ(submission.at_once, 3);
  EXPECT_FALSE(spec.requeue);
  EXPECT_EQ(spec.output, "out %j.txt");
  const auto refusal = read_script("#!/bin/sh\n#SBATCH --ntasks=x\n", submission);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->text, "sbatch: error: Invalid numeric value \"x\" for --ntasks.\n");
}

TEST(SlurmDirectivesTest, TimesAndFileNames) {
  EXPECT_EQ(parse_time("5"), 5min);
  EXPECT_EQ(parse_time("0:02"), 2s);
  EXPECT_EQ(parse_time("1:00:00"), 1h);
  EXPECT_EQ(parse_time("2-1"), 49h);
  for (const char* wrong : {"", "x", "1:2:3:4", "-1", "1-"}) EXPECT_FALSE(parse_time(wrong)) << wrong;
  EXPECT_EQ(time_text(26h + 3s), "1-02:00:03");
  EXPECT_EQ(time_text(90s), "1:30");
  EXPECT_EQ(time_text(90s, true), "00:01:30");
  Job job;
  job.number = 42;
  job.part = {.array = 40, .task = 2, .count = 3};
  job.spec = std::make_shared<const JobSpec>(JobSpec{.name = "sweep", .user = "ada"});
  EXPECT_EQ(file_name("%x-%4j_%A.%a %u %% %", job), "sweep-0042_40.2 ada % ");
}

TEST(HostsTest, JobsArePutWhereThereIsRoom) {
  Hosts hosts(3, 2, 1000);
  const auto place = [&](JobSpec spec) { return hosts.place(spec); };
  EXPECT_EQ(place({.tasks = 3}), (std::vector<Place>{{"n1", 2, 2}, {"n2", 1, 1}}));
  EXPECT_EQ(place({.tasks = 3, .nodes = 3}), (std::vector<Place>{{"n1", 1, 1}, {"n2", 1, 1}, {"n3", 1, 1}}));
  EXPECT_EQ(place({.tasks = 2, .cpus_per_task = 2}), (std::vector<Place>{{"n1", 1, 2}, {"n2", 1, 2}}));
  EXPECT_EQ(place({.tasks = 9, .nodes = 2, .overcommit = true}), (std::vector<Place>{{"n1", 5, 2}, {"n2", 4, 2}}));
  EXPECT_EQ(place({.tasks = 7}), std::nullopt);
  hosts.find("n1")->down = true;
  EXPECT_EQ(place({.tasks = 1}), (std::vector<Place>{{"n2", 1, 1}}));
  EXPECT_TRUE(hosts.could_ever_place({.tasks = 6}));
  EXPECT_FALSE(hosts.could_ever_place({.tasks = 1, .memory = 1001}));
  EXPECT_EQ(compressed({"n1", "n2", "n3", "n7"}), "n[1-3,7]");
  EXPECT_EQ(expanded("n[1-2],x"), (std::vector<std::string>{"n1", "n2", "x"}));
}

}  // namespace
}  // namespace cohort::fake_scheduler::slurm
