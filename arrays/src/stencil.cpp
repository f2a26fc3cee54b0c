#include <cohort/stencil.hpp>

#include <algorithm>
#include <string>

namespace cohort::detail {

void check_width(std::size_t width) {
  constexpr std::size_t most = 1 << 20;
  if (width > most)
    throw Error("a stencil of width " + std::to_string(width) + " is too wide: at most " + std::to_string(most));
}

std::vector<std::size_t> halo_indices(std::size_t begin, std::size_t end, std::size_t extent, std::size_t width,
                                      Boundary::Kind kind) {
  std::vector<std::size_t> indices;
  indices.reserve(end - begin + 2 * width);
  const auto n = static_cast<std::ptrdiff_t>(extent);
  for (auto i = static_cast<std::ptrdiff_t>(begin) - static_cast<std::ptrdiff_t>(width);
       i < static_cast<std::ptrdiff_t>(end + width); i++) {
    std::ptrdiff_t index = i;
    if (i < 0 || i >= n) {
      switch (kind) {
        case Boundary::Kind::wrap:
          index = (i % n + n) % n;
          break;
        case Boundary::Kind::nearest:
          index = std::clamp<std::ptrdiff_t>(i, 0, n - 1);
          break;
        case Boundary::Kind::reflect: {
          const std::ptrdiff_t period = std::max<std::ptrdiff_t>(1, 2 * (n - 1));
          index = (i % period + period) % period;
          index = std::min(index, period - index);
          if (n == 1) index = 0;
          break;
        }
        case Boundary::Kind::constant:
          indices.push_back(outside);
          continue;
      }
    }
    indices.push_back(static_cast<std::size_t>(index));
  }
  return indices;
}

Runs runs_of(std::vector<std::size_t> indices) {
  std::ranges::sort(indices);
  Runs runs;
  for (const std::size_t index : indices) {
    if (index == outside) break;
    if (!runs.empty() && index < runs.back().end) continue;
    if (!runs.empty() && index == runs.back().end)
      runs.back().end++;
    else
      runs.push_back({index, index + 1});
  }
  return runs;
}

}  // namespace cohort::detail
