#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cohort::contract {

/// Writes how a test ended: {"outcome": "passed" | "failed" | "skipped", "messages": [...]}.
class ResultFile final : public testing::EmptyTestEventListener {
 public:
  explicit ResultFile(std::string path) : path_(std::move(path)) {}

 private:
  void OnTestPartResult(const testing::TestPartResult& part) override;
  void OnTestEnd(const testing::TestInfo& test) override;

  const std::string path_;
  std::vector<std::string> messages_;  // main thread
};

}  // namespace cohort::contract
