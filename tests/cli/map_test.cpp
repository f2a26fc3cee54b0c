#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using Lines = std::vector<std::string>;

Lines numbers(int count) {
  Lines lines;
  for (int i = 1; i <= count; i++) lines.push_back(std::to_string(i));
  return lines;
}

std::vector<std::string> map_arguments(std::vector<std::string> arguments, const Lines& inputs) {
  arguments.insert(arguments.begin(), "map");
  arguments.push_back(":::");
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  return arguments;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

TEST(Map, AThousandJobsEachPrintOnce) {
  const auto result = cohort_tool(map_arguments({"-p", "2", "--", "sh", "-c", "echo {}"}, numbers(1000)));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(sorted(lines_of(result.out)), sorted(numbers(1000)));
  EXPECT_EQ(result.err, "");  // no progress where there is no terminal
}

TEST(Map, KeepOrderPrintsInTheOrderOfTheInputs) {
  // The first job waits for the last one, on the other worker.
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const std::string script =
      "if [ {#} = 1 ]; then until [ -e last ]; do sleep 0.01; done; fi; echo {}; "
      "if [ {} = 50 ]; then touch last; fi";
  const auto result = cohort_tool(map_arguments({"-p", "2", "-k", "--", "sh", "-c", script}, numbers(50)), input);
  EXPECT_EQ(result.out, joined(numbers(50))) << result.err;
}

TEST(Map, ReplacementStringsAndCombinations) {
  const auto forms = cohort_tool(
      {"map", "-p", "1", "--", "echo", "{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}", ":::", "dir/a b.tar.gz"});
  EXPECT_EQ(forms.out, "dir/a b.tar.gz dir/a b.tar a b.tar.gz dir a b.tar 1 1\n");
  const auto combined =
      cohort_tool({"map", "-p", "2", "-k", "--", "echo", "{2}-{1.}", ":::", "a.c", "b.c", ":::", "1", "2"});
  EXPECT_EQ(combined.out, "1-a\n2-a\n1-b\n2-b\n");
}

TEST(Map, WithoutReplacementStringsTheInputComesLastAsOneWord) {
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "--", "printf", "[%s]", ":::", "a  b; $(exit)"}).out, "[a  b; $(exit)]");
}

TEST(Map, ShellRunsTheTextWithQuotedInputs) {
  const auto result = cohort_tool({"map", "-p", "1", "--shell", "--", "printf %s {} | wc -c", ":::", "it's  $(x)"});
  EXPECT_EQ(result.out, "10\n") << result.err;
}

TEST(Map, InputsComeFromStandardInputAndFiles) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.standard_input = "one\ntwo words\nlast";
  EXPECT_EQ(cohort_tool({"map", "-p", "2", "-k", "echo"}, input).out, "one\ntwo words\nlast\n");
  const auto file = directory.write("list", "x\ny\n");
  EXPECT_EQ(cohort_tool({"map", "-p", "2", "-k", "-a", file, "echo"}).out, "x\ny\n");
  EXPECT_EQ(cohort_tool({"map", "-p", "2", "-k", "echo", "{1}{2}", "::::", file, ":::", "1", "2"}).out,
            "x1\nx2\ny1\ny2\n");
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "echo"}).code, 0);  // nothing on standard input: nothing to do
  const auto missing = cohort_tool({"map", "-a", directory.path("missing"), "echo"});
  EXPECT_EQ(missing.code, 111);
  EXPECT_NE(missing.err.find(directory.path("missing")), std::string::npos);
}

TEST(Map, TheExitStatusCountsFailedJobs) {
  const auto some = cohort_tool(map_arguments({"-p", "2", "--", "sh", "-c", "test {} -gt 3"}, numbers(10)));
  EXPECT_EQ(some.code, 3);
  EXPECT_NE(some.err.find("cohort: job 2 (2): exited with code 1\n"), std::string::npos) << some.err;
  EXPECT_NE(some.err.find("cohort: 3 jobs failed\n"), std::string::npos) << some.err;
  EXPECT_EQ(cohort_tool(map_arguments({"-p", "2", "--", "false"}, numbers(103))).code, 101);
}

TEST(Map, OutputsOfAJobStayTogetherAndTagSaysWhose) {
  const auto result = cohort_tool(map_arguments(
      {"-p", "2", "--tag", "--", "sh", "-c", "echo {}a; echo {}e >&2; sleep 0.01; echo {}b"}, numbers(10)));
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 20u);
  for (std::size_t i = 0; i < lines.size(); i += 2) {
    const std::string tag = lines[i].substr(0, lines[i].find('\t'));
    EXPECT_EQ(lines[i], tag + "\t" + tag + "a");
    EXPECT_EQ(lines[i + 1], tag + "\t" + tag + "b");
  }
  EXPECT_NE(result.err.find("7\t7e\n"), std::string::npos);
}

TEST(Map, RetriesRunAFailedJobAgain) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const std::string once = "mkdir tried-{} 2>/dev/null && exit 1; echo {}";  // fails the first time
  const auto arguments = map_arguments({"-p", "2", "--retries", "1", "-k", "--", "sh", "-c", once}, numbers(5));
  const auto result = cohort_tool(arguments, input);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, joined(numbers(5)));
  EXPECT_EQ(cohort_tool({"map", "-p", "2", "--retries", "2", "--", "false", ":::", "1"}).code, 1);
}

TEST(Map, ARetryGoesToAnotherWorker) {
  const TemporaryDirectory directory;
  const std::string script = "echo $PPID >> " + directory.path("workers") + "; exit 1";
  cohort_tool({"map", "-p", "3", "--retries", "2", "--shell", "--", script + "; : {}", ":::", "1"});
  auto workers = sorted(lines_of(directory.read("workers")));
  ASSERT_EQ(workers.size(), 3u);
  EXPECT_EQ(std::unique(workers.begin(), workers.end()), workers.end());
}

TEST(Map, AJobOfAKilledWorkerIsTriedElsewhere) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const std::string script = "if [ {} = 5 ] && mkdir once 2>/dev/null; then kill -KILL $PPID; sleep 0.1; fi; echo {}";
  const auto with =
      cohort_tool(map_arguments({"-p", "2", "--retries", "1", "--", "sh", "-c", script}, numbers(30)), input);
  EXPECT_EQ(with.code, 0) << with.err;
  EXPECT_EQ(sorted(lines_of(with.out)), sorted(numbers(30)));

  std::filesystem::remove(directory.path("once"));
  const auto without = cohort_tool(map_arguments({"-p", "2", "--", "sh", "-c", script}, numbers(30)), input);
  EXPECT_EQ(without.code, 1);
  EXPECT_EQ(lines_of(without.out).size(), 29u);
  EXPECT_NE(without.err.find("job 5 (5): worker "), std::string::npos) << without.err;
  EXPECT_NE(without.err.find("killed by signal 9"), std::string::npos) << without.err;
}

TEST(Map, WithoutWorkersTheRestIsNotRun) {
  const auto result =
      cohort_tool(map_arguments({"-p", "2", "--", "sh", "-c", "kill -KILL $PPID; sleep 0.1; : {}"}, numbers(9)));
  EXPECT_EQ(result.code, 111);
  EXPECT_NE(result.err.find("no workers are left: 2 of 9 jobs ended, 2 failed"), std::string::npos) << result.err;
}

TEST(Map, HaltStopsAtTheFirstFailure) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  // The first job fails once the second one runs, which ends by itself only for "soon".
  const std::string script =
      "case {} in 1) until [ -e two ]; do sleep 0.01; done; exit 1 ;; 2) touch two; sleep $SECOND; echo second ;; *) "
      "echo rest ;; "
      "esac";
  const auto with = [&](const std::string& halt, const std::string& seconds) {
    const std::string text = "SECOND=" + seconds + "; " + script;
    std::filesystem::remove(directory.path("two"));
    return cohort_tool(map_arguments({"-p", "2", "--halt", halt, "--", "sh", "-c", text}, numbers(20)), input);
  };
  const auto soon = with("soon", "0.2");
  EXPECT_EQ(soon.code, 1);
  EXPECT_EQ(soon.out, "second\n");
  const auto now = with("now", "60");
  EXPECT_EQ(now.code, 1);
  EXPECT_EQ(now.out, "");
  EXPECT_NE(now.err.find("1 job failed, stopped after 1 of 20"), std::string::npos) << now.err;
}

TEST(Map, TimeoutEndsAJobAndKeepsWhatItPrinted) {
  const auto result = cohort_tool({"map", "-p", "1", "--timeout", "200ms", "--", "sh", "-c",
                                   "echo before; sleep {}; echo after", ":::", "60", "0"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "before\nbefore\nafter\n");
  EXPECT_NE(result.err.find("job 1 (60): timed out after 200ms"), std::string::npos) << result.err;
}

TEST(Map, TheJoblogHasGnuParallelsColumns) {
  const TemporaryDirectory directory;
  const auto log = directory.path("log");
  cohort_tool(
      {"map", "-p", "1", "--joblog", log, "--", "sh", "-c", "{}", ":::", "echo a  b", "exit 3", "kill -TERM $$"});
  const auto lines = lines_of(directory.read("log"));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
  std::vector<Lines> rows;
  for (std::size_t i = 1; i < lines.size(); i++) {
    std::istringstream row(lines[i]);
    rows.emplace_back();
    for (std::string field; std::getline(row, field, '\t');) rows.back().push_back(field);
    ASSERT_EQ(rows.back().size(), 9u) << lines[i];
    EXPECT_GT(std::stod(rows.back()[2]), 1e9);
    EXPECT_GE(std::stod(rows.back()[3]), 0);
  }
  EXPECT_EQ(rows[0][0], "1");
  EXPECT_EQ(rows[0][5], "4");  // "a b\n"
  EXPECT_EQ(rows[0][6], "0");
  EXPECT_EQ(rows[0][8], "sh -c 'echo a  b'");
  EXPECT_EQ(rows[1][6], "3");
  EXPECT_EQ(rows[2][7], "15");
}

TEST(Map, JobsPerWorkerRunAtTheSameTime) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const std::string script =
      "touch {}; until [ -e 1 ] && [ -e 2 ]; do sleep 0.01; done; echo {}";  // each waits for the other
  const auto result = cohort_tool({"map", "-p", "1", "-j", "2", "--", "sh", "-c", script, ":::", "1", "2"}, input);
  EXPECT_EQ(lines_of(result.out).size(), 2u) << result.err;
}

TEST(Map, CtrlCEndsTheJobsAndSaysHowFarItCame) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  input.when_printed = "first";
  input.then = [](int pid) { kill(pid, SIGINT); };
  const std::string script =
      "if [ {} = 1 ]; then echo first; else trap 'touch ended-{}; exit' TERM; while :; do sleep 0.05; done; fi";
  const auto result = cohort_tool(map_arguments({"-p", "1", "--", "sh", "-c", script}, numbers(9)), input);
  EXPECT_EQ(result.code, 130);
  EXPECT_EQ(result.err, "cohort: interrupted: 1 of 9 jobs ended\n");
  EXPECT_FALSE(std::filesystem::exists(directory.path("ended-3")));
}

TEST(Map, ProgressIsShownWhenAskedFor) {
  const auto result = cohort_tool(map_arguments({"-p", "2", "--progress", "--", "true"}, numbers(4)));
  EXPECT_NE(result.err.find("cohort: [####################] 4/4"), std::string::npos) << result.err;
}

TEST(Map, OutputThatNobodyReadsEndsTheRun) {
  const auto result = cohort_tool({"run", "-p", "2", "bash", "-c",
                                   std::string("yes | ") + COHORT_TOOL +
                                       " map -p 2 echo | head -n 1; "
                                       "echo ${PIPESTATUS[1]}"});
  EXPECT_EQ(result.out, "y\n141\n") << result.err;
}

TEST(Map, ResultsThatCannotBeWrittenAreAFailure) {
  const auto result = run_script("$cohort map -p 1 -- echo {} ::: a b > /dev/full");
  EXPECT_EQ(result.code, 111);
  EXPECT_EQ(result.err, "cohort: cannot write to standard output: No space left on device\n");
  EXPECT_EQ(run_script("$cohort map -p 1 -- echo {} ::: a b >&-").err,
            "cohort: cannot write to standard output: Bad file descriptor\n");
}

TEST(Map, AJoblogOnAFullDiskEndsTheRunInWords) {
  const TemporaryDirectory directory;
  const auto log = directory.path("log");
  // The tool's files may have 512 bytes: as a full disk, it takes the first lines.
  const auto result = run_script("ulimit -f 1; $cohort map -p 2 --joblog " + log + " -- true {} ::: $(seq 200)");
  EXPECT_EQ(result.code, 111) << result.err;
  EXPECT_EQ(result.err, "cohort: cannot write the job log " + log + ": File too large\n");
}

TEST(Map, MuchOutputIsNotKeptInMemory) {
  const TemporaryDirectory directory;
  const auto result =
      run_script("TMPDIR=" + directory.path() +
                 " $cohort map -p 2 -k -- sh -c 'head -c 60000000 /dev/zero; head -c 20000000 /dev/zero "
                 ">&2; echo {}' ::: 1 2 2>/dev/null | tr -d '\\0'; ls " +
                 directory.path());
  EXPECT_EQ(result.out, "1\n2\n") << result.err;
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  EXPECT_LT(usage.ru_maxrss, 64 * 1024) << "KiB, of the tool or one of its workers";
}

TEST(Map, OutputInManyPartsIsTaggedByLines) {
  const auto result = cohort_tool(
      {"map", "-p", "1", "--tag", "--", "sh", "-c", "yes 0123456789 | head -n 100000; printf end{}", ":::", "x"});
  const auto lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 100'001u) << result.err;
  for (std::size_t i = 0; i < 100'000; i++) ASSERT_EQ(lines[i], "x\t0123456789") << i;
  EXPECT_EQ(lines.back(), "x\tendx");
}

TEST(Map, WhatIsNotAboutTheJobsHasAStatusOfItsOwn) {
  EXPECT_EQ(cohort_tool({"map", "--no-such-flag", "--", "true"}).code, 112);
  EXPECT_EQ(cohort_tool({"map", "-p", "many", "--", "true", ":::", "1"}).code, 112);
  EXPECT_EQ(cohort_tool({"map", "--topology", "grid:9x9", "-p", "200", "--", "true", ":::", "1"}).code, 113);
  EXPECT_EQ(cohort_tool({"map", "-m", "no-such", "--", "true", ":::", "1"}).code, 114);
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "-o", "exename=/bin/false", "--", "true", ":::", "1"}).code, 120);
}

TEST(Map, ANameWithALineEndComesByStandardInput) {
  ToolInput input;
  input.standard_input = std::string("a\nb\0c", 5);
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "-k", "-0", "--", "printf", "[%s]"}, input).out, "[a\nb][c]");
  const auto without = cohort_tool({"map", "-p", "1", "-k", "--", "printf", "[%s]"}, input);
  EXPECT_EQ(without.code, 111);
  EXPECT_NE(without.err.find("an input of standard input has a NUL in it; if NULs end its inputs, as after find "
                             "-print0, say -0"),
            std::string::npos)
      << without.err;
}

TEST(Map, AFileNameIsNotRunByTheShell) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.dir = directory.path();
  const std::string name = "$(touch OWNED)`touch OWNED`'; touch OWNED; '";
  const auto within = cohort_tool({"map", "-p", "1", "--shell", "--", "wc -c \"{}\"", ":::", name}, input);
  EXPECT_EQ(within.code, 112);
  EXPECT_NE(within.err.find("{} stands within quotes in 'wc -c \"{}\"'"), std::string::npos) << within.err;
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "--shell", "--", "printf %s {} | cat", ":::", name}, input).out, name);
  EXPECT_FALSE(std::filesystem::exists(directory.path("OWNED")));
}

TEST(Map, WhatGnuParallelsUsersTypeIsDoneOrAnswered) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--eta", "--", "true", ":::", "1"}, "'cohort map' has no flag --eta, which GNU parallel has: --progress"},
      {{"--colsep", ",", "true", ":::", "1"}, "has no flag --colsep"},
      {{"-N2", "echo", ":::", "1"}, "a job has one input of each source"},
      {{"--load", "80%", "--", "true", ":::", "1"}, "The load of machines is not looked at"},
      {{"-L", "2", "--", "true", ":::", "1"}, "The load of machines is not looked at"},
      {{"--", "echo", "{3}", ":::", "1", ":::", "2"}, "{3}: there are 2 sources of inputs"},
      {{"--", "echo", "{+.}", ":::", "1"}, "there is no {+.} here"},
      {{"--", "echo", "::::"}, "'::::' wants files with inputs"},
  };
  for (auto [arguments, message] : cases) {
    arguments.insert(arguments.begin(), "map");
    const auto result = cohort_tool(arguments);
    EXPECT_EQ(result.code, 112) << message;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
  EXPECT_EQ(cohort_tool({"map", "-p", "1", "-k", "echo", ":::", "a", "b", ":::+", "1", "2"}).out, "a 1\nb 2\n");
}

TEST(Map, ControlBytesOfInputsAreNotSentToTheTerminal) {
  const auto result =
      cohort_tool({"map", "-p", "1", "--tag", "--", "sh", "-c", "echo x; exit 3", ":::", "a\x1b]0;b\nc"});
  EXPECT_EQ(result.out, "a\\x1b]0;b\\nc\tx\n");
  EXPECT_NE(result.err.find("job 1 (a\\x1b]0;b\\nc): exited with code 3"), std::string::npos) << result.err;
}

TEST(Map, ItStartsNoThreadForAJob) {
  const TemporaryDirectory directory;
  ToolInput input;
  input.when_printed = "ready";
  std::size_t threads = 0;
  input.then = [&](int pid) {
    for ([[maybe_unused]] const auto& thread :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task"))
      threads++;
    directory.write("go", "");
  };
  const std::string script =
      "if [ {} = 1 ]; then echo ready; else until [ -e " + directory.path("go") + " ]; do sleep 0.02; done; fi";
  const auto result = cohort_tool(map_arguments({"-p", "1", "-j", "40", "--", "sh", "-c", script}, numbers(20)), input);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(threads, 0u);
  EXPECT_LT(threads, 12u);
}

}  // namespace
