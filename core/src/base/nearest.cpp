#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace cohort::detail {
namespace {

constexpr std::size_t longest_compared = 64;

/// Levenshtein's distance: insertions, deletions and replacements of single bytes.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  if (word.size() > longest_compared) return "";
  const std::string* nearest = nullptr;
  std::size_t smallest = 0;
  for (const std::string& name : names) {
    if (name.size() > longest_compared) continue;
    std::size_t distance = edit_distance(word, name);
    std::size_t allowed = (std::max(word.size(), name.size()) + 2) / 3;
    if (distance <= allowed && (!nearest || distance < smallest)) {
      nearest = &name;
      smallest = distance;
    }
  }
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

}  // namespace cohort::detail
