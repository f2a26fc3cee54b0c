#include "config/error_list.hpp"

#include <fmt/core.h>

#include <algorithm>

#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

// A text that is wrong everywhere is not better understood by a million lines.
constexpr std::size_t max_printed = 100;

}  // namespace

void ErrorList::add(std::size_t offset, std::string message) { errors_.push_back({offset, std::move(message)}); }

void ErrorList::add(std::size_t offset, const std::string& path, const std::string& message) {
  add(offset, path.empty() ? message : path + ": " + message);
}

void ErrorList::add_repeated(std::size_t offset, std::string message, std::size_t first) {
  errors_.push_back({offset, std::move(message), first});
}

std::string ErrorList::place(std::size_t offset) const {
  std::string_view before = text_.substr(0, std::min(offset, text_.size()));
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  std::size_t newline = before.rfind('\n');
  std::string_view in_line = newline == std::string_view::npos ? before : before.substr(newline + 1);
  auto column = 1 + std::count_if(in_line.begin(), in_line.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return fmt::format("{}:{}", line, column);
}

std::string ErrorList::print(const Entry& entry) const {
  if (places_ == Places::left_out) return name_ + ": " + entry.message;
  const std::string text = fmt::format("{}:{}: {}", name_, place(entry.offset), entry.message);
  return entry.first ? text + "; the first one is at " + place(*entry.first) : text;
}

void ErrorList::throw_if_any() const {
  if (errors_.empty()) return;
  std::vector<Entry> sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), max_printed); ++i) {
    if (i > 0) text += '\n';
    text += print(sorted[i]);
  }
  if (sorted.size() > max_printed) text += fmt::format("\n{}: and {} more errors", name_, sorted.size() - max_printed);
  throw ConfigError(text);
}

}  // namespace cohort::detail
