#include "printable.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace cohort::cli {
namespace {

constexpr std::size_t longest_line = 2000, longest_text = 64 * 1024;

/// So much of `text` that at most `most` bytes are left, and no character is cut in two.
std::string_view beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (text[most] & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

void add_line(std::string& to, std::string_view line) {
  const std::string_view shown = beginning(line, longest_line);
  for (std::size_t i = 0; i < shown.size(); i++) {
    const auto c = static_cast<unsigned char>(shown[i]);
    const auto next = static_cast<unsigned char>(i + 1 < shown.size() ? shown[i + 1] : 0);
    if ((c < ' ' && c != '\t') || c == 0x7f) {
      to += fmt::format("\\x{:02x}", c);
    } else if (c == 0xC2 && next >= 0x80 && next < 0xA0) {  // the control characters beyond ASCII, in UTF-8
      to += fmt::format("\\u{:04x}", next);
      i++;
    } else {
      to += shown[i];
    }
  }
  if (shown.size() < line.size()) to += fmt::format("... ({} bytes more)", line.size() - shown.size());
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (;;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(result, text.substr(0, end));
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
    result += '\n';
    if (result.size() > longest_text) return result + fmt::format("... ({} bytes more)", text.size());
  }
}

}  // namespace cohort::cli
