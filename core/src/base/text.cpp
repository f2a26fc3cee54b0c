#include "base/text.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string_view>
#include <system_error>

#include <cohort/detail/text.hpp>

namespace cohort {

std::string errno_text(int error) {
  std::string text = std::generic_category().message(error);
  if (error == EMFILE) text += " (no more descriptors in this process: see `ulimit -n`)";
  return text;
}

std::string demangle(const char* mangled) {
  constexpr std::string_view long_string =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                    &std::free);
  std::string text = name ? name.get() : mangled;
  for (std::size_t at = 0; (at = text.find(long_string, at)) != text.npos;) {
    text.replace(at, long_string.size(), "std::string");
  }
  return text;
}

}  // namespace cohort

namespace cohort::detail {
namespace {

constexpr std::size_t longest_compared = 64;

/// Of bytes: insertions, deletions, replacements, and swaps of neighbours, which are one slip of the fingers (optimal
/// string alignment, after Damerau).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last.back();
}

}  // namespace

const std::string* nearest(std::string_view word, const std::vector<std::string>& names) {
  if (word.size() > longest_compared) return nullptr;
  const std::string* nearest = nullptr;
  std::size_t smallest = 0;
  for (const std::string& name : names) {
    if (name.size() > longest_compared) continue;
    const std::size_t distance = edit_distance(word, name);
    const std::size_t length = std::max(word.size(), name.size());
    // A word of which no letter is left is another word.
    const bool is_near = distance == 0 || (distance <= (length + 2) / 3 && distance < length);
    if (is_near && (!nearest || distance < smallest)) {
      nearest = &name;
      smallest = distance;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string* name = nearest(word, names);
  return name ? "; did you mean '" + *name + "'?" : "";
}

namespace {

/// U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069: they break lines, and change in which order the letters around
/// them are shown, so that a name looks like another one.
bool reorders(unsigned char second, unsigned char third) {
  return (second == 0x80 && ((third >= 0x8e && third <= 0x8f) || (third >= 0xa8 && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

/// How many bytes the character at the front of `text` has; 0: it is no UTF-8, or one that controls terminals.
std::size_t shown_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) >= ' ' && byte(0) != 0x7f ? 1 : 0;
  const std::size_t size = byte(0) >= 0xc2 && byte(0) < 0xe0   ? 2
                           : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                           : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                               : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool too_long = (byte(0) == 0xe0 && second < 0xa0) || (byte(0) == 0xf0 && second < 0x90);
  const bool surrogate = byte(0) == 0xed && second >= 0xa0;
  const bool beyond = byte(0) == 0xf4 && second >= 0x90;
  const bool controls = byte(0) == 0xc2 && second < 0xa0;  // U+0080 to U+009F
  const bool misleads = (byte(0) == 0xe2 && reorders(byte(1), byte(2))) || (byte(0) == 0xd8 && second == 0x9c);
  return too_long || surrogate || beyond || controls || misleads ? 0 : size;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

std::string excerpt(std::string_view text, std::size_t most, bool lines) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = shown_bytes(text.substr(at, 4));
    const std::size_t taken = std::max<std::size_t>(size, 1);
    if (at + taken > most) break;
    if (size > 0 || (lines && (text[at] == '\n' || text[at] == '\t')))
      shown += text.substr(at, taken);
    else
      append_escaped(shown, text[at]);
    at += taken;
  }
  if (at < text.size()) shown += "... (" + std::to_string(text.size()) + " bytes)";
  return shown;
}

}  // namespace cohort::detail
