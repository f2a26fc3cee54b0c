#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>

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

}  // namespace cohort::detail
