#include "job_template.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include <cohort/child_process.hpp>

#include "exit_code.hpp"

namespace cohort::cli {
namespace {

using Words = std::vector<std::string>;

TEST(JobTemplate, PathFormsFollowGnuParallel) {
  const auto expand = [](const std::string& form, const std::string& input) {
    return JobTemplate({form}, false, 1).expand({input}, 7, 3).front();
  };
  EXPECT_EQ(expand("{.}", "a/b.c/d"), "a/b.c/d");
  EXPECT_EQ(expand("{.}", "a/b.c/d.e.f"), "a/b.c/d.e");
  EXPECT_EQ(expand("{/}", "a/b"), "b");
  EXPECT_EQ(expand("{/}", "b"), "b");
  EXPECT_EQ(expand("{//}", "b"), ".");
  EXPECT_EQ(expand("{//}", "/b"), "/");
  EXPECT_EQ(expand("{/.}", "x.y/b.c"), "b");
  EXPECT_EQ(expand("n{#}s{%}", "x"), "n7s3");
}

TEST(JobTemplate, WhatIsNoReplacementStringStays) {
  const JobTemplate command({"awk", "{print $1}", "{x}", "{", "{1..3}", "{a,b}", "{}"}, false, 1);
  EXPECT_EQ(command.expand({"f"}, 1, 1), (Words{"awk", "{print $1}", "{x}", "{", "{1..3}", "{a,b}", "f"}));
  EXPECT_EQ(JobTemplate({"echo", "{foo}"}, false, 1).expand({"f"}, 1, 1), (Words{"echo", "{foo}", "f"}));
}

/// What is said of a command that is refused.
std::string refusal(const Words& words, bool shell, std::size_t sources) {
  try {
    JobTemplate(words, shell, sources);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(JobTemplate, ReplacementStringsThatWouldDropTheInputAreRefused) {
  EXPECT_EQ(refusal({"{3}"}, false, 2).find("{3}: there are 2 sources of inputs."), 0u);
  EXPECT_EQ(refusal({"a{2/.}b"}, true, 1).find("{2/.}: there is 1 source of inputs."), 0u);
  EXPECT_EQ(refusal({"{3}", "{2}"}, false, 3), "");
  for (const std::string foreign :
       {"{0}", "{0/}", "{-1}", "{+.}", "{+/}", "{..}", "{/..}", "{##}", "{=s/a/b/=}", "{99999999999999999999}"})
    EXPECT_EQ(refusal({"echo", foreign}, false, 9).find("there is no " + foreign + " here: there are {} {.}"), 0u)
        << foreign << refusal({"echo", foreign}, false, 9);
}

TEST(JobTemplate, InputsAreNotExpandedAgain) {
  EXPECT_EQ(JobTemplate({"<{}>"}, false, 1).expand({"{#}"}, 1, 1), (Words{"<{#}>"}));
}

TEST(JobTemplate, AloneTheBracesAreAWordForEachSource) {
  EXPECT_EQ(JobTemplate({"x"}, false, 2).expand({"a b", "c"}, 1, 1), (Words{"x", "a b", "c"}));
  EXPECT_EQ(JobTemplate({"x", "-{}"}, false, 2).expand({"a b", "c"}, 1, 1), (Words{"x", "-a b c"}));
}

TEST(JobTemplate, InShellTextInputsAreValuesOfVariables) {
  EXPECT_EQ(JobTemplate({"echo", "{}", "|", "wc"}, true, 1).expand({"it's"}, 1, 1),
            (Words{"sh", "-c", "cohort_1='it'\\''s'; echo \"$cohort_1\" | wc"}));
  EXPECT_EQ(JobTemplate({"echo {} >{1.}.{#}"}, true, 2).expand({"a.b", "c d"}, 7, 1),
            (Words{"sh", "-c",
                   "cohort_1=a.b; cohort_2='c d'; cohort_3=a; echo \"$cohort_1\" \"$cohort_2\" >\"$cohort_3\".7"}));
}

TEST(JobTemplate, WhereNoQuotedWordCanStandAnInputIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"wc \"{}\"", "{} stands within quotes in 'wc \"{}\"'. "},
      {"wc '{1/}'", "{1/} stands within quotes in "},
      {"echo \"a $(echo \"{}\")\"", "within quotes"},
      {"echo \"`echo '{}'`\"", "within quotes"},
      {"echo $(({} + 1))", "within $((...))"},
      {"true # {}", "in a comment"},
      {"cat <<END\n{}\nEND", "in a here-document"},
      {"echo \\{}", "behind a backslash"},
      {"echo ${}", "behind a $"},
  };
  for (const auto& [text, obstacle] : cases)
    EXPECT_NE(refusal({text}, true, 1).find(obstacle), std::string::npos) << text << ": " << refusal({text}, true, 1);
}

TEST(JobTemplate, WhereAQuotedWordCanStandAnInputIsTaken) {
  const std::vector<std::string> texts = {"wc {}",
                                          "a 'b'{}\"c\"",
                                          "\"$(wc {})\"",
                                          "`wc {}`",
                                          "echo '$' {}",
                                          "a \\' {}",
                                          "a#{}",
                                          "cat <<<{}\n{}",
                                          "echo $((1<<2))\n{}",
                                          "awk '{print \"{#}\"}' {}",
                                          "# it's\n{}",
                                          "(cd {} && ls) | wc",
                                          "x={}; \"$x\"",
                                          "echo \\$ {}",
                                          "a \"it's\" {}"};
  for (const auto& text : texts) EXPECT_EQ(refusal({text}, true, 1), "") << text;
}

// Also where the reading of the text above is wrong, as with a pattern of case in quotes.
TEST(JobTemplate, NoInputIsRunByTheShell) {
  const std::string input = "'$(echo RUN)`echo RUN`\"; echo RUN; '\nRUN";
  const std::vector<std::string> texts = {"printf %s {}", "\"$(case x in x) printf %s \"{}\";; esac)\"; true",
                                          "x=`printf %s {}`; printf %s \"$x\""};
  for (const auto& text : texts) {
    SpawnOptions options;
    options.command = JobTemplate({text + " > /dev/null; echo $?"}, true, 1).expand({input}, 1, 1);
    auto shell = ChildProcess::spawn(options);
    std::string printed(1000, ' ');
    ssize_t n = 0;
    std::string all;
    while ((n = read(shell.out(), printed.data(), printed.size())) > 0)
      all.append(printed, 0, static_cast<std::size_t>(n));
    shell.wait_until(deadline_after(std::chrono::seconds(20)));
    EXPECT_EQ(all.find("\nRUN\n"), std::string::npos) << text;
    EXPECT_NE(all.find('0'), std::string::npos) << text << all;
  }
}

}  // namespace
}  // namespace cohort::cli
