// What is alike in drivers by commands, with small programs in the place of a scheduler's.

#include <cohort/batch/command_driver.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <cohort/batch/options.hpp>
#include <cohort/batch/text_parts.hpp>
#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto options_of_all = options_with({partition_option});

class SmallDriver final : public CommandDriver {
 public:
  explicit SmallDriver(const cohort::Options& options)
      : CommandDriver({.name = "small",
                       .submit = {"no-such-submit"},
                       .status = {"no-such-status"},
                       .cancel = {"no-such-cancel"},
                       .cancel_by_name = "{cancel} --name=\"$1\"",
                       .unknown = {"no such job"},
                       .script = "#!/bin/sh\n#JOB {name} {partition}\n#ARRAY {jobs}\n{start}\n",
                       .workers = {.array_index = "$INDEX"}},
                      SubmitOptions(options)) {}
  std::map<JobId, JobStatus> status(const std::vector<JobId>& jobs) override {
    std::map<JobId, JobStatus> all;
    const std::string answer = ask(jobs);
    for (const std::string_view line : split(answer, '\n'))
      if (!line.empty())
        all[JobId(line)] = {.state = JobState::active, .start = std::chrono::system_clock::now() - 10min};
    return all;
  }

 private:
  std::vector<JobId> submitted(std::string_view printed, const JobRequest& request) override {
    const std::string id(trimmed(printed));
    return std::vector<JobId>(request.jobs == 1 || id.ends_with("[]") ? static_cast<std::size_t>(request.jobs) : 0, id);
  }
  std::string time_text(cohort::Duration) const override { return "time"; }
};

class CommandDriverTest : public testing::Test {
 protected:
  CommandDriverTest() {
    std::string pattern = (fs::temp_directory_path() / "co.driver.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    request_ = {
        .name = "cohort-1", .command = {"worker"}, .join_file = directory_ / "join-", .output = directory_ / "job-"};
  }
  ~CommandDriverTest() override { fs::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    fs::permissions(directory_ / name, fs::perms(0700));
    return directory_ / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(directory_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// A program that notes its arguments in a file of its name and ".log", and does this.
  std::string program(const std::string& name, const std::string& does) const {
    return write(name, "#!/bin/sh\necho \"$#: $*\" >>" + (directory_ / (name + ".log")).string() + '\n' + does + '\n');
  }
  static SmallDriver driver(const std::string& json) {
    return SmallDriver(cohort::Options::parse(options_of_all, json, "the test"));
  }
  template <class Do>
  static std::string failure(Do&& what) {
    try {
      what();
    } catch (const cohort::Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path directory_;
  JobRequest request_;
};

TEST_F(CommandDriverTest, OptionsPutOtherWordsInThePlaceOfTheCommands) {
  auto small = driver(R"({"flags": ["--more"], "submit": [")" + program("submit", "cat >script.txt; echo 7") +
                      R"(", "first"], "cancel": [")" + program("cancel", "") + R"(", "--quiet"], "status": [")" +
                      program("status", "echo 7; echo 'no such job 8' >&2; exit 1") + R"("]})");
  fs::current_path(directory_);
  EXPECT_EQ(small.submit(request_), std::vector<JobId>{"7"});
  EXPECT_EQ(read("submit.log"), "2: first --more\n");
  EXPECT_TRUE(read("script.txt").starts_with("#!/bin/sh\nnumber=0\n"))
      << "what is not set has no line: " << read("script.txt");
  EXPECT_EQ(small.status({"7", "8"}).size(), 1u) << "although the command failed";
  small.cancel({"7", "8"});
  EXPECT_EQ(read("cancel.log"), "3: --quiet 7 8\n");
  fs::current_path(directory_.parent_path());
}

TEST_F(CommandDriverTest, ATemplateTakesThePlaceOfTheScript) {
  request_.jobs = 3;
  const std::string own =
      write("template", "#!/bin/bash\n#JOB {name} of three, to {partition}\nmodule load x\n{start}\n");
  const auto small = driver(R"({"partition": "long", "template": ")" + own + R"("})");
  const std::string described = small.describe(request_);
  EXPECT_NE(described.find("#!/bin/bash\n#JOB cohort-1 of three, to long\nmodule load x\nnumber=0\njob=$INDEX\n"),
            std::string::npos)
      << described;
  const auto wrong = driver(R"({"template": ")" + write("wrong", "#!/bin/sh\n{nmae}\n{start}\n") + R"("})");
  const std::string refused = failure([&] { wrong.describe(request_); });
  EXPECT_TRUE(refused.starts_with((directory_ / "wrong").string() + ":2: ")) << refused;
  EXPECT_NE(refused.find("{partition}"), std::string::npos) << "those there are: " << refused;
}

TEST_F(CommandDriverTest, WhatIsNoArrayIsTakenBack) {
  request_.jobs = 3;
  auto small = driver(R"({"submit": [")" + program("submit", "echo 8") + R"("], "cancel": [")" + program("cancel", "") +
                      R"("]})");
  EXPECT_NE(failure([&] { small.submit(request_); }).find("the id of an array of 3 jobs, and printed: 8"),
            std::string::npos);
  EXPECT_EQ(read("cancel.log"), "1: 8\n");
}

TEST_F(CommandDriverTest, AFailureOfACommandIsOneUnlessTheJobIsNotThere) {
  auto small = driver(R"({"status": [")" + program("status", "echo 'server is away' >&2; exit 1") +
                      R"("], "cancel": [")" + program("cancel", "echo 'no such job 7' >&2; exit 1") + R"("]})");
  EXPECT_NE(failure([&] { small.status({"7"}); }).find("server is away"), std::string::npos);
  EXPECT_EQ(failure([&] { small.cancel({"7"}); }), "");
}

TEST_F(CommandDriverTest, CancellingByNameSucceedsWhereThereIsNoSuchJob) {
  const auto cancel = [&](const std::string& does) {
    const auto small = driver(R"({"cancel": [")" + program("cancel", does) + R"("]})");
    run({.words = {"/bin/sh", "-c", small.dialect().cancel_by_name, "cancel", "cohort-1"}});
  };
  EXPECT_EQ(failure([&] { cancel("exit 0"); }), "");
  EXPECT_EQ(failure([&] { cancel("echo 'no such job cohort-1'; exit 1"); }), "");
  EXPECT_NE(failure([&] { cancel("echo 'server is away'; exit 1"); }).find("server is away"), std::string::npos);
  EXPECT_EQ(read("cancel.log"), "1: --name=cohort-1\n1: --name=cohort-1\n1: --name=cohort-1\n");
}

TEST_F(CommandDriverTest, ThousandsOfJobsAreCancelledByCommandsThatAreNotTooLong) {
  auto small = driver(R"({"cancel": [")" + program("cancel", "") + R"("]})");
  small.cancel(std::vector<JobId>(1200, "7"));
  std::string counts;
  const std::string log = read("cancel.log");
  for (const std::string_view line : split(log, '\n')) counts += std::string(split(line, ':')[0]) + ' ';
  EXPECT_EQ(counts, "500 500 200  ");
}

TEST_F(CommandDriverTest, WhatRemainsIsFromTheStartAndTheWalltime) {
  auto small = driver(R"({"walltime": "1h", "status": [")" + program("status", "echo 7") + R"("]})");
  const auto remains = small.remaining("7");
  ASSERT_TRUE(remains.has_value());
  EXPECT_LE(*remains, 50min);
  EXPECT_GE(*remains, 49min);
  EXPECT_EQ(small.remaining("8"), std::nullopt) << "unknown";
}

}  // namespace
}  // namespace cohort::batch
