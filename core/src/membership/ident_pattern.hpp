#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cohort {

/// Names of workers in one text: "node[01-04,7]" is node01 to node04 and node07; "*" stands for any text and "?" for
/// any character. A number is written as wide as the first one of its brackets that begins with a zero, if any.
class IdentPattern {
 public:
  /// @throws ConfigError that says what is wrong with `text`.
  explicit IdentPattern(std::string_view text);

  /// The time is proportional to the length of the pattern times that of the name.
  bool matches(std::string_view ident) const;
  /// All names, in order. @throws ConfigError for "*" and "?", which stand for no names, and for more than most_names.
  std::vector<std::string> names() const;

  static constexpr std::size_t most_names = 65536;

 private:
  struct Range {
    std::uint32_t first = 0, last = 0;
  };
  struct Part {
    enum class Kind : std::uint8_t { text, any_text, any_character, numbers };
    Kind kind = Kind::text;
    std::string text;
    std::vector<Range> ranges;
    std::size_t width = 0;  // 0: numbers are not padded
  };

  void parse_numbers(std::string_view inside);
  static void mark_ends(const Part& part, std::string_view rest, std::vector<bool>::iterator ends);
  static std::string number_text(const Part& part, std::uint32_t number);
  static bool has_number(const Part& part, std::string_view digits);
  [[noreturn]] void fail(const std::string& what) const;

  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace cohort
