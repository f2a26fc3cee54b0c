#include "description.hpp"

#include <algorithm>
#include <utility>

#include "../text.hpp"

namespace cohort::fake_scheduler::htcondor {
namespace {

constexpr int deepest = 20;  // of macros within macros

std::string lower(std::string_view text) {
  std::string small;
  for (const char c : text) small += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return small;
}

// "1 + 1", "$(Process) + 1" filled in, and other sums and differences of whole numbers.
std::int64_t evaluate(std::string_view text) {
  std::int64_t sum = 0, sign = 1;
  for (const auto& word : shell_split(text)) {
    if (word == "+" || word == "-")
      sign = word == "-" ? -1 : 1;
    else
      sum += sign * number(word).value_or(0);
  }
  return sum;
}

class Filler {
 public:
  Filler(const Description& description, long cluster, int process)
      : description_(description), cluster_(cluster), process_(process) {}

  std::string fill(std::string_view text, int depth = 0) const {
    std::string filled;
    while (!text.empty()) {
      const auto dollar = text.find('$');
      filled += text.substr(0, dollar);
      if (dollar == text.npos) break;
      text.remove_prefix(dollar);
      const auto open = text.find('('), close = text.find(')');
      const auto function = lower(text.substr(1, open == text.npos ? 0 : open - 1));
      if (open == text.npos || close == text.npos || close < open || depth > deepest ||
          (function != "" && function != "int")) {
        filled += '$';
        text.remove_prefix(1);
        continue;
      }
      const auto inner = text.substr(open + 1, close - open - 1);
      if (function == "int")
        filled += std::to_string(evaluate(macro(inner.substr(0, inner.find(',')), depth)));
      else
        filled += macro(inner, depth);
      text.remove_prefix(close + 1);
    }
    return filled;
  }

 private:
  std::string macro(std::string_view name_and_default, int depth) const {
    const auto colon = name_and_default.find(':');
    const std::string name = lower(trimmed(name_and_default.substr(0, colon)));
    if (name == "process" || name == "procid" || name == "step" || name == "item") return std::to_string(process_);
    if (name == "cluster" || name == "clusterid") return std::to_string(cluster_);
    if (name == "dollar") return "$";
    const auto found = description_.commands.find(name);
    if (found != description_.commands.end()) return fill(found->second, depth + 1);
    return colon == name_and_default.npos ? "" : fill(name_and_default.substr(colon + 1), depth + 1);
  }

  const Description& description_;
  const long cluster_;
  const int process_;
};

}  // namespace

std::string Description::value(std::string_view name, long cluster, int process) const {
  const auto found = commands.find(std::string(name));
  return found == commands.end() ? "" : Filler(*this, cluster, process).fill(found->second);
}

bool Description::is_true(std::string_view name) const {
  const auto found = commands.find(std::string(name));
  return found != commands.end() && lower(found->second) == "true";
}

std::optional<Description> parse_description(std::string_view text, std::string& error) {
  Description description;
  bool queued = false;
  int line_number = 0;
  std::string whole;
  for (const std::string_view raw : split(text, '\n')) {
    line_number++;
    auto line = trimmed(raw);
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    whole += line;
    if (goes_on) continue;
    const std::string complete = std::exchange(whole, "");
    line = trimmed(complete);
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    if (lower(line.substr(0, 5)) == "queue" && equals == line.npos) {
      const auto count = trimmed(line.substr(5));
      const auto value = count.empty() ? 1 : number(count);
      if (!value || *value < 0 || *value > 10000) {
        error = "ERROR: on Line " + std::to_string(line_number) + " of submit file: invalid Queue statement\n";
        return std::nullopt;
      }
      description.processes = static_cast<int>(*value);
      queued = true;
      break;
    }
    if (equals == line.npos) {
      error = "ERROR: Failed to parse command file (line " + std::to_string(line_number) + ").\n";
      return std::nullopt;
    }
    std::string name = lower(trimmed(line.substr(0, equals)));
    if (name.starts_with('+')) name = "my." + name.substr(1);
    description.commands[name] = trimmed(line.substr(equals + 1));
  }
  if (!queued || description.processes == 0)
    error = "ERROR: 0 jobs were queued\n";
  else if (!description.commands.contains("executable"))
    error = "ERROR: No 'executable' parameter was provided\n";
  if (!error.empty()) return std::nullopt;
  return description;
}

std::vector<std::string> parse_arguments(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return shell_split(text);
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> words;
  bool within = false, quoted = false;
  for (std::size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (!quoted && (c == ' ' || c == '\t')) {
      within = false;
      continue;
    }
    if (!within) words.emplace_back();
    within = true;
    const bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if (c == '"' || (c == '\'' && quoted && doubled)) {
      words.back() += c;
      if (doubled) i++;
    } else if (c == '\'') {
      quoted = !quoted;
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace cohort::fake_scheduler::htcondor
