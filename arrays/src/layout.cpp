#include <cohort/detail/layout.hpp>

#include <algorithm>
#include <string>

#include <cohort/error.hpp>

namespace cohort::detail {

std::size_t count(const Runs& runs) {
  std::size_t sum = 0;
  for (const Run& run : runs) sum += run.end - run.begin;
  return sum;
}

Runs intersection(const Runs& a, const Runs& b) {
  Runs both;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    const Run run{std::max(a[i].begin, b[k].begin), std::min(a[i].end, b[k].end)};
    if (run.begin < run.end) both.push_back(run);
    a[i].end < b[k].end ? i++ : k++;
  }
  return both;
}

bool contains(const Runs& runs, std::size_t begin, std::size_t end) {
  const auto after = std::ranges::upper_bound(runs, begin, {}, &Run::begin);
  return after != runs.begin() && end <= std::prev(after)->end;
}

std::vector<Stretch> stretches(const Runs& from, const Runs& to) {
  std::vector<Stretch> result;
  std::size_t from_before = 0, to_before = 0;  // elements in the runs before
  for (std::size_t i = 0, k = 0; i < from.size() && k < to.size();) {
    const std::size_t begin = std::max(from[i].begin, to[k].begin), end = std::min(from[i].end, to[k].end);
    if (begin < end) {
      const Stretch next{from_before + begin - from[i].begin, to_before + begin - to[k].begin, end - begin};
      if (!result.empty() && result.back().from + result.back().count == next.from &&
          result.back().to + result.back().count == next.to)
        result.back().count += next.count;
      else
        result.push_back(next);
    }
    if (from[i].end < to[k].end) {
      from_before += from[i].end - from[i].begin;
      i++;
    } else {
      to_before += to[k].end - to[k].begin;
      k++;
    }
  }
  return result;
}

DimensionLayout DimensionLayout::blocks(std::size_t extent, std::size_t places) {
  DimensionLayout layout{.extent = extent, .places = places, .block = 0, .cuts = {}};
  layout.cuts.resize(places + 1);
  for (std::size_t i = 0; i <= places; i++) layout.cuts[i] = i * (extent / places) + std::min(i, extent % places);
  return layout;
}

Runs DimensionLayout::runs(std::size_t place) const {
  Runs runs;
  if (block == 0) {
    if (cuts[place] < cuts[place + 1]) runs.push_back({cuts[place], cuts[place + 1]});
  } else if (places == 1) {
    if (extent != 0) runs.push_back({0, extent});
  } else {
    for (std::size_t begin = place * block; begin < extent; begin += places * block)
      runs.push_back({begin, std::min(begin + block, extent)});
  }
  return runs;
}

std::size_t DimensionLayout::place_of(std::size_t index) const {
  if (block != 0) return index / block % places;
  return static_cast<std::size_t>(std::ranges::upper_bound(cuts, index) - cuts.begin()) - 1;
}

void default_grid(std::span<const std::size_t> extents, std::size_t processes, std::span<std::size_t> grid) {
  std::vector<std::size_t> left(extents.begin(), extents.end()), factors;
  std::ranges::fill(grid, 1);
  for (std::size_t number = processes, factor = 2; number > 1; factor = factor * factor > number ? number : factor + 1)
    for (; number % factor == 0; number /= factor) factors.push_back(factor);
  for (auto factor = factors.rbegin(); factor != factors.rend(); factor++) {
    std::size_t longest = 0;
    for (std::size_t i = 1; i < left.size(); i++)
      if (left[i] >= left[longest]) longest = i;
    if (left[longest] < *factor) continue;  // it is lost
    left[longest] /= *factor;
    grid[longest] *= *factor;
  }
}

DimensionLayout dimension_layout(std::size_t dimension, std::size_t extent, std::size_t places, std::size_t block,
                                 const std::vector<std::size_t>& cuts) {
  const std::string which = "dimension " + std::to_string(dimension) + " of an array: ";
  if (cuts.empty()) {
    if (block == 0 || places == 1) return DimensionLayout::blocks(extent, places);
    return {.extent = extent, .places = places, .block = block, .cuts = {}};
  }
  if (block != 0) throw Error(which + "it has `cuts` and a `block`; only one of them can be");
  if (cuts.size() < 2 || cuts.front() != 0 || cuts.back() != extent || !std::ranges::is_sorted(cuts))
    throw Error(which + "its cuts begin with 0, ascend, and end with its extent " + std::to_string(extent));
  return {.extent = extent, .places = cuts.size() - 1, .block = 0, .cuts = cuts};
}

void check_places(std::span<const std::size_t> grid, std::size_t processes) {
  std::size_t places = 1;
  for (const std::size_t each : grid)
    if (__builtin_mul_overflow(places, each, &places)) places = ~std::size_t{0};
  if (places > processes)
    throw Error("an array with a grid of " + extents_text(grid) + " places needs " + std::to_string(places) +
                " processes, and there are " + std::to_string(processes));
}

}  // namespace cohort::detail
