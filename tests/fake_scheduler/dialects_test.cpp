// What scripts and drivers rely on in the other dialects of `cohort fake-scheduler`: a job of many processes, an array,
// its ends, and what is refused.

#include <string>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"

namespace cohort::test {
namespace {

using contract::eventually;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class DialectTest : public testing::Test {
 protected:
  ToolResult sh(const std::string& script) { return run_script(script, {.standard_input = "", .dir = files_.path()}); }
  /// The command prints that at some time.
  testing::AssertionResult says(const std::string& command, const std::string& text) {
    ToolResult last;
    if (eventually([&] { return contains((last = sh(command)).out, text); })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << command << " does not say '" << text << "' but\n" << last.out << last.err;
  }
  void is_refused(const std::string& command, const std::string& words) {
    const auto result = sh(command);
    EXPECT_NE(result.code, 0) << command;
    EXPECT_EQ(result.err, words) << command;
  }

  const TemporaryDirectory files_;
};

TEST_F(DialectTest, GridEngine) {
  const FakeScheduler scheduler("sge");
  files_.write("job.sh",
               "#$ -N sweep -cwd -j y\n#$ -pe mpi 3\necho $JOB_ID $JOB_NAME $NSLOTS $SGE_TASK_ID\n"
               "cut -d' ' -f1,2 $PE_HOSTFILE\nqrsh -inherit -nostdin n2 'echo on $HOSTNAME; exit 3'\necho $?\n");
  EXPECT_EQ(sh("qsub -sync y job.sh && cat sweep.o1").out,
            "Your job 1 (\"sweep\") has been submitted\nJob 1 exited with exit code 0.\n"
            "1 sweep 3 undefined\nn1 2\nn2 1\non n2\n3\n");
  EXPECT_EQ(sh("qsub -terse -sync y -t 1-3 -b y -cwd -j y -N arr 'echo $SGE_TASK_ID' | head -n 1; cat arr.o2.*").out,
            "2.1-3:1\n1\n2\n3\n");
  sh("qsub -h -t 1-2 -N held -b y true; qsub -N long -l h_rt=1 -o /dev/null -j y -b y sleep 300");
  EXPECT_TRUE(says("qstat", "0.50000 held       root         hqw ")) << sh("qstat").out;
  EXPECT_TRUE(says("qstat -j held", "scheduling info:            Job is in hold state\n"));
  EXPECT_EQ(sh("qdel held | grep -c 'root has deleted job-array task'").out, "2\n");
  EXPECT_TRUE(says("qacct -j long", "failed       100 : assumedly after job\nexit_status  137 "));
  is_refused("qsub -q nowhere -b y true",
             "Unable to run job: Job was rejected because job requests unknown queue \"nowhere\".\nExiting.\n");
  is_refused("qstat -j 99", "Following jobs do not exist: \n99\n");
  EXPECT_TRUE(contains(sh("qdel 99").out, "denied: job \"99\" does not exist\n"));
}

TEST_F(DialectTest, Pbs) {
  const FakeScheduler scheduler("pbs");
  files_.write(
      "job.sh",
      "#!/bin/sh\n#PBS -N sweep -j oe\n#PBS -l select=3:ncpus=1,walltime=1:00:00\ncd $PBS_O_WORKDIR\n"
      "echo $PBS_JOBID $PBS_JOBNAME\ncat $PBS_NODEFILE\npbsdsh -- sh -c 'echo $PBS_VNODENUM on $HOSTNAME' | sort\n");
  EXPECT_EQ(sh("qsub -W block=true job.sh && cat sweep.o1").out,
            "1.fake\n1.fake sweep\nn1\nn1\nn2\n0 on n1\n1 on n1\n2 on n2\n");
  EXPECT_EQ(sh("qsub -W block=true -J 1-2 -j oe -N arr -- echo '$PBS_ARRAY_INDEX' && cat arr.o2.*").out,
            "2[].fake\n1\n2\n");
  sh("qsub -h -N held -- true; qsub -l walltime=1 -j oe -o long.txt -- sleep 300");
  EXPECT_TRUE(says("qstat -f 4", "    job_state = H\n"));
  EXPECT_EQ(sh("qselect -N held; qdel 4; qstat -f 4").code, 35);
  EXPECT_TRUE(says("qstat -x -f 4.fake", "    substate = 91\n    comment = Job deleted by root\n"));
  EXPECT_TRUE(says("qstat -x -f 5", "    Exit_status = -29\n"));
  EXPECT_EQ(files_.read("long.txt"), "=>> PBS: job killed: walltime 2 exceeded limit 1\n");
  is_refused("qsub -q nowhere job.sh", "qsub: Unknown queue\n");
  is_refused("qstat 99", "qstat: Unknown Job Id 99\n");
}

TEST_F(DialectTest, Lsf) {
  const FakeScheduler scheduler("lsf");
  files_.write("job.sh",
               "#!/bin/sh\n#BSUB -J sweep -n 3\n#BSUB -o out.%J\necho $LSB_JOBID $LSB_JOBINDEX\necho $LSB_MCPU_HOSTS\n"
               "for host in $LSB_HOSTS; do blaunch $host 'echo on $HOSTNAME'; done\n");
  EXPECT_EQ(sh("bsub -K <job.sh && cat out.1").out,
            "Job <1> is submitted to default queue <normal>.\n1 0\nn1 2 n2 1\non n1\non n1\non n2\n");
  EXPECT_EQ(sh("bsub -K -J 'arr[1-2]' -o o.%J.%I 'echo $LSB_JOBINDEX' && cat o.*").out,
            "Job <2> is submitted to default queue <normal>.\n1\n2\n");
  sh("bsub -q short -J long sleep 300; bsub -q closed true");
  const std::string columns =
      "bjobs -a -noheader -o \"jobid jobindex stat exit_code exit_reason pend_reason delimiter='|'\" ";
  EXPECT_TRUE(says(columns + "4 5", "4|0|RUN|-|-|-\n5|0|PEND|-|-|The queue is inactivated by the administrator;\n"));
  EXPECT_EQ(sh("bkill -J long 0").out, "Job <4> is being terminated\n");
  EXPECT_TRUE(says(columns + "4", "4|0|EXIT|143|TERM_OWNER: job killed by owner|-\n"));
  EXPECT_TRUE(says(columns + "'2[2]'", "2|2|DONE|-|-|-\n"));
  sh("bsub -J over sleep 300");
  FakeScheduler::control("time-out 6");
  EXPECT_TRUE(says(columns + "6", "TERM_RUNLIMIT: job killed after reaching LSF run time limit"));
  is_refused("bsub -q nowhere true", "nowhere: No such queue. Job not submitted.\n");
  is_refused("bjobs 99", "Job <99> is not found\n");
  is_refused("bkill 4", "Job <4>: Job has already finished\n");
}

TEST_F(DialectTest, Htcondor) {
  const FakeScheduler scheduler("htcondor");
  files_.write(
      "sweep.sub",
      "batch_name = sweep\nexecutable = /bin/sh\ninput = in.$(Process)\nplus = $(Process) + 1\n"
      "arguments = \"-c 'read word; echo $(Process) of $(Cluster) $(DOLLAR)A ''a  b'' $word; exit $(Process)'\"\n"
      "environment = \"A=1\"\noutput = out.$INT(plus,%d)\nqueue 2\n");
  files_.write("in.0", "zero\n");
  files_.write("in.1", "one\n");
  EXPECT_EQ(sh("condor_submit -terse sweep.sub").out, "1.0 - 1.1\n");
  EXPECT_TRUE(
      says("condor_history 1.1 -json -attributes JobStatus,ExitCode", "\"JobStatus\": 4,\n    \"ExitCode\": 1\n"));
  EXPECT_TRUE(says("cat out.1 out.2", "0 of 1 1 a  b zero\n1 of 1 1 a  b one\n"));
  sh("condor_submit -append 'allowed_execute_duration = 1' - <<END\nexecutable = /bin/sleep\narguments = "
     "300\nqueue\nEND\n");
  EXPECT_TRUE(says("condor_q 3 -json", "\"RemoteHost\": \"slot1_1@n1\""));
  EXPECT_TRUE(says("condor_q 3 -json", "\"HoldReason\": \"The job exceeded allowed execute duration of 1 seconds\""));
  EXPECT_EQ(sh("condor_rm 3").out, "All jobs in cluster 3 have been marked for removal\n");
  EXPECT_TRUE(says("condor_history 3 -json", "\"RemoveReason\": \"via condor_rm (by user root)\""));
  is_refused("condor_rm -constraint 'JobBatchName == \"x\"'",
             "Couldn't find/remove all jobs matching constraint (JobBatchName == \"x\")\n");
  is_refused("echo queue | condor_submit", "ERROR: No 'executable' parameter was provided\n");
}

// Each of them has the same faults.
TEST_F(DialectTest, AllRefuseASubmissionThatIsToFail) {
  const std::pair<const char*, const char*> commands[] = {
      {"sge", "qsub -b y true"},
      {"pbs", "qsub -- true"},
      {"lsf", "bsub true"},
      {"htcondor", "printf 'executable=/bin/true\\nqueue\\n' | condor_submit"}};
  for (const auto& [dialect, command] : commands) {
    const FakeScheduler scheduler(dialect, {"--fail-submission=2"});
    EXPECT_EQ(sh(command).code, 0) << command;
    const auto failed = sh(command);
    EXPECT_NE(failed.code, 0) << command;
    EXPECT_NE(failed.err, "") << command;
  }
}

}  // namespace
}  // namespace cohort::test
