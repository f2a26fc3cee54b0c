#include "job_inputs.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <cohort/error.hpp>

#include "exit_code.hpp"

namespace cohort::cli {
namespace {

using Words = std::vector<std::string>;

/// The inputs of each job, with commas between, "a,1 a,2 ".
std::string jobs_of(Words words, char separator = '\n') {
  JobInputs inputs(words, {}, separator);
  std::string text;
  while (const auto next = inputs.next()) {
    EXPECT_EQ(next->size(), inputs.sources());
    for (std::size_t i = 0; i < next->size(); i++) text += (i == 0 ? "" : ",") + next->at(i);
    text += ' ';
  }
  EXPECT_TRUE(inputs.ended());
  return text;
}

std::string refusal(const Words& words) {
  try {
    jobs_of(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

class JobInputsOfAFile : public testing::Test {
 protected:
  ~JobInputsOfAFile() override { std::filesystem::remove(file_); }
  std::string write(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    return file_;
  }

 private:
  const std::string file_ = testing::TempDir() + "job-inputs-" + std::to_string(getpid());
};

TEST(JobInputs, LinkedSourcesGoInStep) {
  EXPECT_EQ(jobs_of({"x", ":::", "a", "b", ":::+", "1", "2"}), "a,1 b,2 ");
  EXPECT_EQ(jobs_of({":::", "a", "b", ":::", "1", "2", ":::+", "x", "y"}), "a,1,x a,2,y b,1,x b,2,y ");
  EXPECT_EQ(jobs_of({":::", "a", "b", ":::+", "1", "2", ":::", "x", "y"}), "a,1,x a,1,y b,2,x b,2,y ");
}

TEST(JobInputs, WhatWouldDropInputsIsRefused) {
  EXPECT_EQ(refusal({":::", "a", "b", ":::+", "1"}),
            "sources that are linked by ':::+' or '::::+' want as many inputs: there are 2 and 1");
  EXPECT_EQ(refusal({":::+", "a"}), "':::+' goes in step with the source before it, and there is none");
  EXPECT_EQ(refusal({"::::"}), "'::::' wants files with inputs; standard input is '-'");
  EXPECT_EQ(refusal({"::::", ":::", "a"}), "'::::' wants files with inputs; standard input is '-'");
  EXPECT_EQ(refusal({"::::", "/dev/null", "::::+"}), "'::::+' wants files with inputs; standard input is '-'");
  EXPECT_EQ(jobs_of({":::"}), "");
}

TEST_F(JobInputsOfAFile, InputsMayEndWithANul) {
  const auto file = write(std::string("a\nb\0c\0", 6));
  EXPECT_EQ(jobs_of({"::::", file}, '\0'), "a\nb c ");
  EXPECT_THROW(jobs_of({"::::", file}), Error);  // a program would see "b" alone
}

}  // namespace
}  // namespace cohort::cli
