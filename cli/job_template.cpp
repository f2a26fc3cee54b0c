#include "job_template.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "command_line.hpp"
#include "exit_code.hpp"
#include "shell_text.hpp"
#include "text.hpp"

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

/// Those of GNU parallel that are not done here ({+.}, {..}, {0}, {-1}, {=perl=}). What has letters in it, as awk's
/// {print} has, and the shell's {1..3} are taken for text.
bool is_foreign_replacement(std::string_view text) {
  if (text.size() > 1 && text.front() == '=' && text.back() == '=') return true;
  const auto dots = text.find("..");
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (dots != text.npos && dots > 0 && is_digit(text.front()) && is_digit(text.back())) return false;
  return !text.empty() && text.find_first_not_of("0123456789+-./#%") == text.npos;
}

std::string_view apply_form(std::string_view form, std::string_view input) {
  if (form == ".") return without_extension(input);
  if (form == "/") return last_part(input);
  if (form == "//") return directory(input);
  if (form == "/.") return without_extension(last_part(input));
  return input;
}

[[noreturn]] void refuse_foreign(std::string_view as_written) {
  throw UsageError("there is no " + std::string(as_written) +
                   " here: there are {} {.} {/} {//} {/.} {#} {%}, and {1} {1.} ... for one of several sources");
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
      if (close != word.npos && is_foreign_replacement(word.substr(1, close - 1)))
        refuse_foreign(word.substr(0, close + 1));
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

void check_positions(const std::string& word, std::size_t sources) {
  walk(
      word, [](std::string_view) {},
      [&](const Replacement& found, std::string_view as_written) {
        if (found.position <= sources) return;
        throw UsageError(std::string(as_written) + ": there " + (sources == 1 ? "is " : "are ") +
                         plural(sources, "source") +
                         " of inputs. What is meant as text can be a source of its own: cohort map -- grep {2} {1} ::: "
                         "FILES ::: 'a{3}'");
      });
}

/// Where inputs would stand within quotes, the shell would not take them for words.
void check_places(const std::string& text) {
  ShellText shell;
  walk(
      text, [&](std::string_view part) { shell.pass(part); },
      [&](const Replacement& found, std::string_view as_written) {
        const auto obstacle = shell.obstacle();
        if (found.kind == Replacement::Kind::input && !obstacle.empty()) {
          const std::string written(as_written);
          throw UsageError(written + " stands " + std::string(obstacle) + " in '" + text +
                           "'. With --shell it becomes a quoted word by itself: write wc " + written + ", not wc \"" +
                           written + "\"; and \"before \"" + written +
                           "\" behind\" in a longer one. Elsewhere use a variable: x=" + written + "; ... $x");
        }
        shell.pass("x");
      });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

JobTemplate::JobTemplate(std::vector<std::string> words, bool shell, std::size_t sources)
    : words_(std::move(words)), shell_(shell) {
  if (std::none_of(words_.begin(), words_.end(), has_replacement)) words_.emplace_back("{}");
  for (const auto& word : words_) check_positions(word, sources);
  if (shell_) check_places(joined(words_));
}

std::vector<std::string> JobTemplate::expand(const std::vector<std::string>& inputs, std::size_t number,
                                             std::size_t slot) const {
  std::string variables;  // what comes before a shell's text
  int count = 0;
  const auto value_of = [&](const std::string& input, std::string_view form) {
    const std::string value(apply_form(form, input));
    if (!shell_) return value;
    const std::string name = "cohort_" + std::to_string(++count);
    variables += name + "=" + shell_quote(value) + "; ";
    return "\"$" + name + "\"";
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
        [&](const Replacement& found, std::string_view) {
          if (found.kind == Replacement::Kind::number) {
            text += std::to_string(number);
          } else if (found.kind == Replacement::Kind::slot) {
            text += std::to_string(slot);
          } else if (found.position > 0) {
            text += value_of(inputs[found.position - 1], found.form);
          } else {
            for (std::size_t i = 0; i < inputs.size(); i++) {
              if (i > 0) text += ' ';
              text += value_of(inputs[i], found.form);
            }
          }
        });
    expanded.push_back(std::move(text));
  }
  if (!shell_) return expanded;
  return {"sh", "-c", variables + joined(expanded)};
}

}  // namespace cohort::cli
