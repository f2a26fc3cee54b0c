#include "report.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cohort/detail/text.hpp>

#include "../finding_words.hpp"

namespace cohort::doctor {
namespace {

using cli::word_for;

std::string cell(const std::string& text, std::size_t width) { return fmt::format("{:<{}}  ", text, width); }

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string table(const std::vector<HostReport>& hosts) {
  std::size_t widest = 4;
  for (const auto& host : hosts) widest = std::max(widest, host.machine.size());
  const auto width_of = [](const Check& check) { return std::max<std::size_t>(check.name.size(), 7); };

  std::string line = cell("host", widest);
  for (const auto& check : hosts.front().checks) line += cell(check.name, width_of(check));
  for (char& c : line) c = detail::to_upper(c);
  std::string text = without_trailing_blanks(line);
  for (const auto& host : hosts) {
    line = cell(host.machine, widest);
    for (const auto& check : host.checks) line += cell(word_for(check.outcome), width_of(check));
    text += without_trailing_blanks(line);
  }
  return text;
}

}  // namespace

bool HostReport::is_ready() const {
  return std::none_of(checks.begin(), checks.end(), [](const Check& check) { return check.outcome == Outcome::bad; });
}

std::string as_text(const std::vector<HostReport>& hosts) {
  if (hosts.empty()) return "no hosts\n";
  std::string text = table(hosts) + '\n';
  for (const auto& host : hosts) {
    for (const auto& check : host.checks) {
      if (check.outcome != Outcome::warning && check.outcome != Outcome::bad) continue;
      text += fmt::format("{}: {}: {}\n", host.machine, check.name, check.found);
      if (!check.hint.empty()) text += "    " + check.hint + '\n';
    }
  }
  const auto ready = std::count_if(hosts.begin(), hosts.end(), [](const HostReport& host) { return host.is_ready(); });
  return text + fmt::format("{} of {} hosts are ready\n", ready, hosts.size());
}

std::string as_json(const std::vector<HostReport>& hosts) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  bool ready = true;
  for (const auto& host : hosts) {
    Json checks = Json::array();
    for (const auto& check : host.checks) checks.push_back(cli::json_of(check));
    all.push_back(
        {{"machine", host.machine}, {"manager", host.manager}, {"ready", host.is_ready()}, {"checks", checks}});
    ready = ready && host.is_ready();
  }
  return Json{{"ready", ready}, {"hosts", all}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cohort::doctor
