#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort::cli {

/// Reads a text as sh does, as far as it takes to know where a quoted word may stand. What it gets wrong makes a wrong
/// message and does no harm: inputs never become a part of the text, see JobTemplate.
class ShellText {
 public:
  /// Goes on by this text.
  void pass(std::string_view text);
  /// Why no quoted word can stand here: "within quotes"; empty: one can.
  std::string_view obstacle() const;

 private:
  enum class Place { single_quotes, double_quotes, parentheses, arithmetic, backquotes, comment };

  void pass(char c);
  void pass_unquoted(char c);
  bool within(Place place) const { return !open_.empty() && open_.back() == place; }

  std::vector<Place> open_;  // the innermost last
  char last_ = '\n', last_but_one_ = '\n';
  bool escaped_ = false;
  bool here_document_follows_ = false;  // from the next line on
  bool here_document_ = false;
};

}  // namespace cohort::cli
