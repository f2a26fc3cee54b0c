#include "result_file.hpp"

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

namespace cohort::contract {

void ResultFile::OnTestPartResult(const testing::TestPartResult& part) {
  if (part.passed()) return;
  std::string where;
  if (part.file_name() != nullptr && !part.skipped())
    where =
        std::filesystem::path(part.file_name()).filename().string() + ':' + std::to_string(part.line_number()) + ": ";
  std::string message = where + part.message();
  while (message.ends_with('\n')) message.pop_back();
  messages_.push_back(std::move(message));
}

void ResultFile::OnTestEnd(const testing::TestInfo& test) {
  const auto& result = *test.result();
  const char* outcome = result.Failed() ? "failed" : result.Skipped() ? "skipped" : "passed";
  std::ofstream(path_) << nlohmann::json{{"outcome", outcome}, {"messages", messages_}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace cohort::contract
