#pragma once

// Letters, digits and foreign texts, the same in every locale. Not for programs.

#include <cstddef>
#include <string>
#include <string_view>

namespace cohort::detail {

// What <cctype> says of these depends on the locale that a program chose; these know ASCII alone.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter_or_digit(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - ('a' - 'A')) : c; }

/// A text that this program did not write itself, as it may stand in a message: at most `most` bytes of it, then how
/// many there were, and each byte that a terminal would obey, or that is no UTF-8, as "\x1b", "\n" or "\t". Every
/// message that quotes an input, a name from elsewhere, a file or another process shows it by this function.
/// @param lines whether line ends and tabs stay as they are.
std::string excerpt(std::string_view text, std::size_t most = 200, bool lines = false);

}  // namespace cohort::detail

namespace cohort {
using detail::excerpt;
}  // namespace cohort
