// Values of options that a job script, a command line or a file system would read as something else: each is taken as
// it is, or refused with the name of its option.

#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "fake_scheduler.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

constexpr int config_invalid = 3;  // an exit status of the tool

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class OddValuesTest : public testing::TestWithParam<const char*> {
 protected:
  /// Of two workers, as a dry run.
  ToolResult dry_run(const std::vector<std::string>& options) const {
    std::vector<std::string> words{"run", "-m", GetParam(), "-p", "2", "-o", "dry_run=true"};
    for (const auto& option : options) words.insert(words.end(), {"-o", option});
    words.emplace_back(COHORT_BATCH_PROGRAM);
    return cohort_tool(words, {.standard_input = "", .dir = files_.path()});
  }
  void expect_refused(const std::vector<std::string>& options, const std::string& message) const {
    const auto result = dry_run(options);
    EXPECT_EQ(result.code, config_invalid) << options.back() << ": " << result.out << result.err;
    EXPECT_TRUE(contains(result.err, message)) << result.err;
    EXPECT_EQ(result.out, "") << options.back();
  }

  const std::string manager_ = GetParam();
  const TemporaryDirectory files_;
};

TEST_P(OddValuesTest, ANameThatIsNoWordIsRefused) {
  std::vector<std::string> names{"account"};
  if (manager_ != "htcondor") names.emplace_back("partition");
  if (manager_ == "sge") names.emplace_back("pe");
  for (const auto& name : names) {
    expect_refused({name + "="}, name + ": it is empty");
    expect_refused({name + "=a b"}, name + ": 'a b' has a blank in it");
    expect_refused({name + "=a\n#SBATCH --uid=0"}, name + ": 'a\\n#SBATCH --uid=0' has a line end or another control");
    expect_refused({name + "=a\x1b[2J"}, name + ": 'a\\x1b[2J' has a line end or another control");
    expect_refused({name + "=-x"}, name + ": '-x' begins with '-'");
    for (const std::string c : {"'", "\"", "\\", "$", "`", "#"})
      expect_refused({name + "=a" + c + "b"}, name + ": 'a" + c + "b' has " + c + " in it");
  }
}

TEST_P(OddValuesTest, AFileThatCannotBeUsedIsRefused) {
  const std::string file = files_.write("file", "x"), empty = files_.write("empty", "\n");
  expect_refused({"files="}, "files: it is empty");
  expect_refused({"files=no/such"}, "no/such: No such file or directory; it is to be a directory");
  expect_refused({"files=" + file}, "files: " + file + " is a file; it is to be a directory");
  expect_refused({"files=/tmp/a\nb"}, "files: '/tmp/a\\nb' has a line end");
  expect_refused({"template="}, "template: it is empty");
  expect_refused({"template=no-such"}, "no-such: No such file or directory; it is to be a file with a job script");
  expect_refused({"template=" + files_.path()}, "template: " + files_.path() + " is a directory; it is to be a file");
  expect_refused({"template=" + empty}, "template: " + empty + " is empty; it is to be a file");
  expect_refused({"template=/dev/zero"}, "template: /dev/zero is a pipe or a device");
  if (::geteuid() == 0) return;  // it may do anything
  fs::permissions(file, fs::perms::none);
  expect_refused({"template=" + file}, file + ": Permission denied");
  fs::permissions(files_.path(), fs::perms(0500));
  expect_refused({"files=" + files_.path()}, files_.path() + ": Permission denied; it is to be a directory");
  fs::permissions(files_.path(), fs::perms(0700));
}

TEST_P(OddValuesTest, ATemplateIsRefusedWithItsLineAndTheValuesThatThereAre) {
  const std::string command = manager_ == "slurm"      ? "{command} <{join_file}"
                              : manager_ == "htcondor" ? "arguments = \"{arguments}\"\ninput = {join_file}1.json"
                                                       : "{start}";
  const std::string wrong = files_.write("wrong", "#!/bin/sh\n# {nmae}\n" + command + "\n");
  const std::vector<std::string> shape =
      manager_ == "sge" || manager_ == "htcondor" ? std::vector<std::string>{"jobs=each"} : std::vector<std::string>{};
  auto options = shape;
  options.push_back("template=" + wrong);
  expect_refused(options, wrong + ":2: '# {nmae}': what follows '{' is no value; those are {account}, ");
  options.back() = "template=" + files_.write("without", "#!/bin/sh\nsleep 10\n");
  expect_refused(options, files_.path("without") + " does not have {");
}

TEST_P(OddValuesTest, OtherOptionsAreRefusedWithTheirNames) {
  expect_refused({"listen="}, "listen: it is empty");
  for (const std::string words : {"submit", "status", "cancel", "flags"}) {
    expect_refused({words + "=[\"\"]"}, words + ": one of its words is empty");
    expect_refused({words + "=[\"a\",\"\"]"}, words + ": one of its words is empty");
  }
  expect_refused({R"(env={"A=B": "x"})"}, "'A=B' cannot be the name of an environment variable");
  expect_refused({R"(env={"A B": "x"})"}, "env: 'A B' is no name of an environment variable");
}

// With a job for each worker, as a directory of that name cannot be handed through several shells.
TEST_P(OddValuesTest, ADirectoryMayHaveAnyName) {
  const FakeScheduler scheduler(manager_);
  const std::string directory = files_.path("it's a \"day\" #1 100% $HOME `x` ; & (é)");
  fs::create_directory(directory);
  const auto result = cohort_tool({"run", "-m", manager_, "-p", "2", "-o", "jobs=each", "-o", "files=" + directory,
                                   COHORT_BATCH_PROGRAM, "cause", "7"},
                                  {.standard_input = "", .dir = files_.path()});
  EXPECT_TRUE(result.out.starts_with("workers 2 on ")) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "code 7")) << result.out;
  EXPECT_TRUE(contract::eventually([&] { return fs::is_empty(directory); })) << "the job's files";
}

TEST(OddValuesOfMpiTest, AreRefusedWithTheNamesOfTheOptions) {
  const std::pair<std::string, std::string> refused[] = {
      {"mpiexec=", "mpiexec: it is empty"},
      {"hosts=[\"n1\",\"\"]", "hosts: one of its words is empty"},
      {"hosts=[\"n1,n2\"]", "hosts: 'n1,n2' is no NAME or NAME:SLOTS"},
      {"hosts=[\"-x\"]", "hosts: '-x' is no NAME or NAME:SLOTS"},
      {"flags=[\"\"]", "flags: one of its words is empty"},
      {"listen=", "listen: it is empty"},
      {"files=", "files: it is empty"},
      {"files=/no/such", "files: /no/such: No such file or directory"},
  };
  for (const auto& [option, message] : refused) {
    const auto result = cohort_tool({"run", "-m", "mpi", "-p", "2", "-o", "dry_run=true", "-o", option, "true"});
    EXPECT_EQ(result.code, config_invalid) << option;
    EXPECT_TRUE(contains(result.err, message)) << option << ": " << result.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, OddValuesTest, testing::Values("slurm", "sge", "pbs", "lsf", "htcondor"),
                         [](const auto& its) { return std::string(its.param); });

}  // namespace
}  // namespace cohort::test
