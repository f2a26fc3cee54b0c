#include "job_template.hpp"

#include <gtest/gtest.h>

namespace cohort::cli {
namespace {

using Words = std::vector<std::string>;

TEST(JobTemplate, PathFormsFollowGnuParallel) {
  const auto expand = [](const std::string& form, const std::string& input) {
    return JobTemplate({form}, false).expand({input}, 7, 3).front();
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
  const JobTemplate command({"awk", "{print $1}", "{3}", "{x}", "{", "{0}", "{}"}, false);
  EXPECT_EQ(command.expand({"f"}, 1, 1), (Words{"awk", "{print $1}", "{3}", "{x}", "{", "{0}", "f"}));
}

TEST(JobTemplate, InputsAreNotExpandedAgain) {
  EXPECT_EQ(JobTemplate({"<{}>"}, false).expand({"{#}"}, 1, 1), (Words{"<{#}>"}));
}

TEST(JobTemplate, AloneTheBracesAreAWordForEachSource) {
  EXPECT_EQ(JobTemplate({"x"}, false).expand({"a b", "c"}, 1, 1), (Words{"x", "a b", "c"}));
  EXPECT_EQ(JobTemplate({"x", "-{}"}, false).expand({"a b", "c"}, 1, 1), (Words{"x", "-a b c"}));
}

TEST(JobTemplate, ShellTextQuotesInputsOnly) {
  EXPECT_EQ(JobTemplate({"echo", "{}", "|", "wc"}, true).expand({"it's"}, 1, 1),
            (Words{"sh", "-c", "echo 'it'\\''s' | wc"}));
}

}  // namespace
}  // namespace cohort::cli
