#include "printable.hpp"

#include <algorithm>

#include <cohort/detail/text.hpp>

namespace cohort::cli {
namespace {

constexpr std::size_t longest_line = 2000, longest_text = 64 * 1024;

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (;;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    result += excerpt(text.substr(0, end), longest_line, true);
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
    result += '\n';
    if (result.size() > longest_text) return result + "... (" + std::to_string(text.size()) + " bytes more)";
  }
}

}  // namespace cohort::cli
