#include "membership/ident_pattern.hpp"

#include <algorithm>
#include <charconv>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort {
namespace {

constexpr std::size_t most_digits = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t leading_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

std::uint32_t number_of(std::string_view digits) {
  std::uint32_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

void IdentPattern::fail(const std::string& what) const {
  throw ConfigError("'" + excerpt(text_) + "' is no name of workers: " + what + ", as in node[01-16] or node*");
}

IdentPattern::IdentPattern(std::string_view text) : text_(text) {
  if (text.empty()) fail("it is empty");
  while (!text.empty()) {
    if (text.front() == '[') {
      const auto end = text.find(']');
      if (end == text.npos) fail("a ']' is missing");
      parse_numbers(text.substr(1, end - 1));
      text.remove_prefix(end + 1);
      continue;
    }
    if (text.front() == ']') fail("a '[' is missing");
    if (text.front() == ',') fail("a comma belongs between numbers in brackets");
    if (text.front() == '*') {
      parts_.push_back({.kind = Part::Kind::any_text});
    } else if (text.front() == '?') {
      parts_.push_back({.kind = Part::Kind::any_character});
    } else {
      if (parts_.empty() || parts_.back().kind != Part::Kind::text) parts_.push_back({});
      parts_.back().text += text.front();
    }
    text.remove_prefix(1);
  }
}

void IdentPattern::parse_numbers(std::string_view inside) {
  Part part{.kind = Part::Kind::numbers};
  const auto take_number = [&] {
    const std::size_t digits = leading_digits(inside);
    if (digits == 0 || digits > most_digits) fail("brackets hold numbers of 1 to 9 digits");
    if (digits > 1 && inside.front() == '0') part.width = std::max(part.width, digits);
    const std::uint32_t number = number_of(inside.substr(0, digits));
    inside.remove_prefix(digits);
    return number;
  };
  for (;;) {
    Range range;
    range.first = range.last = take_number();
    if (inside.starts_with('-')) {
      inside.remove_prefix(1);
      range.last = take_number();
      if (range.last < range.first) fail("a range ends before it begins");
    }
    part.ranges.push_back(range);
    if (inside.empty()) break;
    if (inside.front() != ',') fail("numbers in brackets are separated by commas");
    inside.remove_prefix(1);
  }
  parts_.push_back(std::move(part));
}

std::string IdentPattern::number_text(const Part& part, std::uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < part.width) digits.insert(0, part.width - digits.size(), '0');
  return digits;
}

bool IdentPattern::has_number(const Part& part, std::string_view digits) {
  const std::uint32_t number = number_of(digits);
  if (number_text(part, number) != digits) return false;
  return std::any_of(part.ranges.begin(), part.ranges.end(),
                     [number](const Range& range) { return range.first <= number && number <= range.last; });
}

// Where a match of the part that begins at the front of `rest` may end: ends[n], n bytes on.
void IdentPattern::mark_ends(const Part& part, std::string_view rest, std::vector<bool>::iterator ends) {
  switch (part.kind) {
    case Part::Kind::text:
      if (rest.starts_with(part.text)) ends[static_cast<std::ptrdiff_t>(part.text.size())] = true;
      return;
    case Part::Kind::any_character:
      if (!rest.empty()) ends[1] = true;
      return;
    case Part::Kind::any_text:
      std::fill_n(ends, rest.size() + 1, true);
      return;
    case Part::Kind::numbers:
      for (std::size_t digits = std::min(leading_digits(rest), most_digits); digits > 0; digits--) {
        if (has_number(part, rest.substr(0, digits))) ends[static_cast<std::ptrdiff_t>(digits)] = true;
      }
  }
}

// All ends of the first parts together, then those of the next one: a pattern of many stars takes no longer.
bool IdentPattern::matches(std::string_view ident) const {
  std::vector<bool> begins(ident.size() + 1);
  begins[0] = true;
  for (const Part& part : parts_) {
    std::vector<bool> ends(ident.size() + 1);
    for (std::size_t at = 0; at <= ident.size(); at++) {
      if (!begins[at]) continue;
      mark_ends(part, ident.substr(at), ends.begin() + static_cast<std::ptrdiff_t>(at));
      if (part.kind == Part::Kind::any_text) break;  // that was all of them
    }
    begins = std::move(ends);
  }
  return begins.back();
}

std::vector<std::string> IdentPattern::names() const {
  std::vector<std::string> names{""};
  for (const Part& part : parts_) {
    if (part.kind == Part::Kind::any_text || part.kind == Part::Kind::any_character)
      fail("* and ? match names that others have, they make none");
    if (part.kind == Part::Kind::text) {
      for (auto& name : names) name += part.text;
      continue;
    }
    std::vector<std::string> longer;
    for (const auto& name : names) {
      for (const Range& range : part.ranges) {
        if (longer.size() + (range.last - range.first) >= most_names)
          fail("these are more than " + std::to_string(most_names) + " names");
        for (std::uint32_t number = range.first; number <= range.last; number++)
          longer.push_back(name + number_text(part, number));
      }
    }
    names = std::move(longer);
  }
  return names;
}

}  // namespace cohort
