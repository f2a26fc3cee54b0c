#pragma once

// Letters, digits and texts from outside, in the same way in every locale. Not for programs.

#include <cstddef>
#include <string>
#include <string_view>

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

// The functions of <cctype> depend on the locale that a program chose; these know only ASCII.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter_or_digit(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - ('a' - 'A')) : c; }

/// Returns a text from outside in the form in which a message may contain it: at most `most` bytes, then the total
/// number of bytes. Control bytes, and bytes that are not UTF-8, are written as "\x1b", "\n" or "\t". Every message
/// that quotes an input, a name from elsewhere, a file or another process must use this function.
/// @param lines whether line ends and tabs stay unchanged.
std::string excerpt(std::string_view text, std::size_t most = 200, bool lines = false);

}  // namespace detail
}  // namespace cohort

namespace COHORT_EXPORT cohort {
using detail::excerpt;
}  // namespace cohort
