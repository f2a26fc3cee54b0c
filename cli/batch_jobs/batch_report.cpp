#include "batch_report.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "../finding_words.hpp"
#include "../text.hpp"

namespace cohort::cli {
namespace {

using cohort::batch::Finding;
using Json = nlohmann::ordered_json;

// Further lines begin below the first one.
std::string indented(const std::string& text, std::size_t indentation) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result.append(indentation, ' ');
  }
  return result;
}

}  // namespace

bool BatchReport::is_ready() const {
  return std::ranges::none_of(findings,
                              [](const Finding& finding) { return finding.outcome == Finding::Outcome::bad; });
}

std::string BatchReport::text() const {
  std::size_t widest = 0;
  for (const auto& finding : findings) widest = std::max(widest, finding.name.size());
  std::string text;
  const std::size_t indentation = widest + 11;
  for (const auto& finding : findings) {
    text += fmt::format("{:<{}}  {:<7}  {}\n", finding.name, widest, word_for(finding.outcome),
                        indented(finding.found, indentation));
    if (!finding.hint.empty()) text += std::string(indentation, ' ') + finding.hint + '\n';
  }
  return printable(text + manager + (is_ready() ? " is ready\n" : " is not ready\n"));
}

std::string BatchReport::json() const {
  Json checks = Json::array();
  for (const auto& finding : findings) checks.push_back(json_of(finding));
  const Json document = {{"ready", is_ready()}, {"manager", manager}, {"checks", checks}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cohort::cli
