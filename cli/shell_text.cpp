#include "shell_text.hpp"

#include <utility>

namespace cohort::cli {

void ShellText::pass(std::string_view text) {
  for (const char c : text) {
    const bool literal = escaped_;
    pass(c);
    last_but_one_ = std::exchange(last_, literal ? 'x' : c);
  }
}

void ShellText::pass(char c) {
  if (std::exchange(escaped_, false)) return;
  if (within(Place::single_quotes)) {
    if (c == '\'') open_.pop_back();
  } else if (within(Place::comment)) {
    if (c == '\n') open_.pop_back();
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '`') {
    if (within(Place::backquotes))
      open_.pop_back();
    else
      open_.push_back(Place::backquotes);
  } else if (c == '"') {
    if (within(Place::double_quotes))
      open_.pop_back();
    else
      open_.push_back(Place::double_quotes);
  } else if (!within(Place::double_quotes)) {
    pass_unquoted(c);
  } else if (c == '(' && last_ == '$') {
    open_.push_back(Place::parentheses);
  }
}

void ShellText::pass_unquoted(char c) {
  switch (c) {
    case '\'':
      return open_.push_back(Place::single_quotes);
    case '(':
      return open_.push_back(last_ == '(' && last_but_one_ == '$' ? Place::arithmetic : Place::parentheses);
    case ')':
      if (within(Place::parentheses) || within(Place::arithmetic)) open_.pop_back();
      return;
    case '#':
      if (std::string_view(" \t\n;&|(").find(last_) != std::string_view::npos) open_.push_back(Place::comment);
      return;
    case '<':
      if (last_ == '<' && !within(Place::arithmetic)) here_document_follows_ = last_but_one_ != '<';  // not <<<
      return;
    case '\n':
      here_document_ |= here_document_follows_;
      return;
    default:
      return;
  }
}

std::string_view ShellText::obstacle() const {
  if (within(Place::single_quotes) || within(Place::double_quotes)) return "within quotes";
  if (within(Place::arithmetic)) return "within $((...))";
  if (within(Place::comment)) return "in a comment";
  if (here_document_) return "in a here-document, or behind one";
  if (escaped_) return "behind a backslash";
  if (last_ == '$') return "behind a $";
  return {};
}

}  // namespace cohort::cli
