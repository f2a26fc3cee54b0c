#include "options.hpp"

#include <algorithm>

#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

using Value = OptionRule::Value;

// By its whole name, or by the beginning of one only; null: there is none, or more.
const OptionRule* find_long(std::span<const OptionRule> rules, std::string_view name) {
  const OptionRule* found = nullptr;
  for (const auto& rule : rules) {
    if (rule.name == name) return &rule;
    if (!rule.name.starts_with(name)) continue;
    if (found != nullptr) return nullptr;
    found = &rule;
  }
  return found;
}

class Reader {
 public:
  Reader(const std::vector<std::string>& words, std::span<const OptionRule> rules) : words_(words), rules_(rules) {}

  GivenOptions read(bool anywhere) {
    for (; next_ < words_.size() && given_.error.empty(); next_++) {
      const std::string& word = words_[next_];
      if (word == "--") {
        next_++;
        break;
      }
      if (word.starts_with("--"))
        read_long(word);
      else if (word.size() > 1 && word[0] == '-')
        read_short(word);
      else if (anywhere)
        given_.rest.push_back(word);
      else
        break;
    }
    if (next_ < words_.size())
      given_.rest.insert(given_.rest.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end());
    return std::move(given_);
  }

 private:
  void read_long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
    const OptionRule* rule = find_long(rules_, name);
    if (rule == nullptr) {
      given_.error = "unrecognized option '--" + name + "'";
    } else if (equals != word.npos) {
      if (rule->value == Value::none)
        given_.error = "option '--" + std::string(rule->name) + "' doesn't allow an argument";
      else
        given_.options.push_back({std::string(rule->name), word.substr(equals + 1)});
    } else if (rule->value != Value::required) {
      given_.options.push_back({std::string(rule->name), ""});
    } else if (next_ + 1 < words_.size()) {
      given_.options.push_back({std::string(rule->name), words_[++next_]});
    } else {
      given_.error = "option '--" + name + "' requires an argument";
    }
  }

  void read_short(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); i++) {
      const auto rule = std::ranges::find(rules_, word[i], &OptionRule::letter);
      if (rule == rules_.end()) {
        given_.error = "invalid option -- '" + std::string(1, word[i]) + "'";
        return;
      }
      const std::string name(rule->name);
      if (rule->value == Value::none) {
        given_.options.push_back({name, ""});
        continue;
      }
      if (i + 1 < word.size() || rule->value == Value::optional)
        given_.options.push_back({name, word.substr(i + 1)});
      else if (next_ + 1 < words_.size())
        given_.options.push_back({name, words_[++next_]});
      else
        given_.error = "option requires an argument -- '" + std::string(1, word[i]) + "'";
      return;
    }
  }

  const std::vector<std::string>& words_;
  const std::span<const OptionRule> rules_;
  std::size_t next_ = 0;
  GivenOptions given_;
};

}  // namespace

GivenOptions read_options(const std::vector<std::string>& words, std::span<const OptionRule> rules, bool anywhere) {
  return Reader(words, rules).read(anywhere);
}

GivenDashes read_dashes(const std::vector<std::string>& words, std::span<const DashRule> rules, bool anywhere) {
  GivenDashes given;
  std::size_t i = 0;
  for (; i < words.size(); i++) {
    const std::string& word = words[i];
    if (word == "--") {
      i++;
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      if (!anywhere) break;
      given.rest.push_back(word);
      continue;
    }
    auto rule = std::ranges::find(rules, std::string_view(word).substr(1), &DashRule::name);
    GivenDash option;
    if (rule == rules.end() && word[1] != '-') {
      rule = std::ranges::find(rules, std::string_view(word).substr(1, 1), &DashRule::name);
      if (rule != rules.end() && rule->words == 0) rule = rules.end();
      if (rule != rules.end()) option.values.push_back(word.substr(2));
    }
    if (rule == rules.end()) {
      given.unknown = word;
      return given;
    }
    option.name = rule->name;
    while (static_cast<int>(option.values.size()) < rule->words) {
      if (++i == words.size()) {
        given.missing = word;
        return given;
      }
      option.values.push_back(words[i]);
    }
    given.options.push_back(std::move(option));
  }
  given.rest.insert(given.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(std::min(i, words.size())),
                    words.end());
  return given;
}

std::vector<DirectiveLine> directives(std::string_view script, std::string_view mark, bool only_before_commands) {
  std::vector<DirectiveLine> lines;
  int line_number = 0;
  for (const std::string_view line : split(script, '\n')) {
    line_number++;
    const auto text = trimmed(line);
    if (only_before_commands && !text.empty() && !text.starts_with('#')) break;
    if (!line.starts_with(mark)) continue;
    const auto rest = line.substr(mark.size());
    if (rest.empty() || (rest[0] != ' ' && rest[0] != '\t')) continue;
    auto words = shell_split(rest);
    // What follows a '#' of its own is a comment.
    const auto comment = std::ranges::find_if(words, [](const std::string& word) { return word.starts_with('#'); });
    words.erase(comment, words.end());
    if (!words.empty()) lines.push_back({line_number, std::move(words)});
  }
  return lines;
}

}  // namespace cohort::fake_scheduler
