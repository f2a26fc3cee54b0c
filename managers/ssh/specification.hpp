#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort_ssh {

/// The text of a machine, as the user wrote it: its words, and errors that show it. Words are separated by blanks; the
/// value of a setting may be in quotes, `key="a value"`, in which `""` is one `"`.
class Specification {
 public:
  explicit Specification(std::string_view text) : text_(text) {}

  struct Word {
    std::string text;                  ///< of a setting: its key
    std::optional<std::string> value;  ///< set: it is a setting, key=value
  };
  /// @throws ConfigError.
  std::vector<Word> words() const;

  /// @throws ConfigError with the text, and why it is not a machine.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string take_quoted(std::string_view& rest) const;

  const std::string text_;
};

/// Returns a line of a machine file up to the `#` of its comment. A `#` in quotes does not begin a comment.
std::string_view without_comment(std::string_view line);

}  // namespace cohort_ssh
