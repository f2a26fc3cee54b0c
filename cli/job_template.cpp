#include "job_template.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "command_line.hpp"

namespace cohort::cli {
namespace {

std::string_view directory(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view without_extension(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == path.npos || path.find('/', dot) != path.npos ? path : path.substr(0, dot);
}

/// What stands between two braces.
struct Replacement {
  enum class Kind { input, number, slot } kind = Kind::input;
  std::size_t position = 0;  // of the input, from 1; 0: all inputs
  std::string_view form;     // "", ".", "/", "//" or "/."
};

std::optional<Replacement> parse_replacement(std::string_view text) {
  if (text == "#") return Replacement{Replacement::Kind::number, 0, ""};
  if (text == "%") return Replacement{Replacement::Kind::slot, 0, ""};
  Replacement found;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found.position);
  if (error == std::errc::result_out_of_range || (end != text.data() && found.position == 0)) return std::nullopt;
  found.form = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const std::string_view form : {"", ".", "/", "//", "/."})
    if (found.form == form) return found;
  return std::nullopt;
}

std::string_view apply_form(std::string_view form, std::string_view input) {
  if (form == ".") return without_extension(input);
  if (form == "/") return last_part(input);
  if (form == "//") return directory(input);
  if (form == "/.") return without_extension(last_part(input));
  return input;
}

/// Calls `on_text` and `on_replacement` for the parts of a word.
template <class OnText, class OnReplacement>
void walk(std::string_view word, OnText on_text, OnReplacement on_replacement) {
  while (!word.empty()) {
    const auto open = word.find('{');
    on_text(word.substr(0, open));
    if (open == word.npos) return;
    word.remove_prefix(open);
    const auto close = word.find('}');
    const auto replacement = close == word.npos ? std::nullopt : parse_replacement(word.substr(1, close - 1));
    if (replacement) {
      on_replacement(*replacement, word.substr(0, close + 1));
      word.remove_prefix(close + 1);
    } else {
      on_text(word.substr(0, 1));
      word.remove_prefix(1);
    }
  }
}

bool has_replacement(const std::string& word) {
  bool found = false;
  walk(
      word, [](std::string_view) {}, [&](const Replacement&, std::string_view) { found = true; });
  return found;
}

}  // namespace

JobTemplate::JobTemplate(std::vector<std::string> words, bool shell) : words_(std::move(words)), shell_(shell) {
  if (std::none_of(words_.begin(), words_.end(), has_replacement)) words_.emplace_back("{}");
}

std::vector<std::string> JobTemplate::expand(const std::vector<std::string>& inputs, std::size_t number,
                                             std::size_t slot) const {
  const auto value_of = [&](const std::string& input, std::string_view form) {
    const std::string value(apply_form(form, input));
    return shell_ ? shell_quote(value) : value;
  };
  std::vector<std::string> expanded;
  for (const auto& word : words_) {
    if (word == "{}" && !shell_) {  // alone it stands for as many words as there are sources
      expanded.insert(expanded.end(), inputs.begin(), inputs.end());
      continue;
    }
    std::string text;
    walk(
        word, [&](std::string_view part) { text += part; },
        [&](const Replacement& found, std::string_view as_written) {
          if (found.kind == Replacement::Kind::number) {
            text += std::to_string(number);
          } else if (found.kind == Replacement::Kind::slot) {
            text += std::to_string(slot);
          } else if (found.position > inputs.size()) {
            text += as_written;
          } else if (found.position > 0) {
            text += value_of(inputs[found.position - 1], found.form);
          } else {
            for (std::size_t i = 0; i < inputs.size(); i++)
              text += (i == 0 ? "" : " ") + value_of(inputs[i], found.form);
          }
        });
    expanded.push_back(std::move(text));
  }
  if (!shell_) return expanded;
  std::string line;
  for (const auto& word : expanded) line += (line.empty() ? "" : " ") + word;
  return {"sh", "-c", line};
}

}  // namespace cohort::cli
