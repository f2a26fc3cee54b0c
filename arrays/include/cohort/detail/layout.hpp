#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/box.hpp>

// Which indices of a distributed array each of its places has. A *place* is a part of the array in a process; the
// places form a grid, and are counted in C order.

namespace COHORT_EXPORT cohort {
namespace detail {

/// A half-open range of indices of one dimension, not empty.
struct Run {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Run&, const Run&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(begin, end);
  }
};
/// Sorted and disjoint.
using Runs = std::vector<Run>;
std::size_t count(const Runs& runs);
Runs intersection(const Runs& a, const Runs& b);
bool contains(const Runs& runs, std::size_t begin, std::size_t end);

/// Indices that two dense arrays have in common: where they are in the one and in the other.
struct Stretch {
  std::size_t from, to, count;
};
std::vector<Stretch> stretches(const Runs& from, const Runs& to);

/// How one dimension is cut: in blocks, or block-cyclically.
struct DimensionLayout {
  std::size_t extent = 0;
  std::size_t places = 1;
  std::size_t block = 0;          ///< 0: blocks, at `cuts`; otherwise every `block` indices are the next place's
  std::vector<std::size_t> cuts;  ///< places + 1 indices, from 0 to `extent`; empty if cyclic

  /// Blocks of equal size, the first of them one longer if there is a remainder.
  static DimensionLayout blocks(std::size_t extent, std::size_t places);

  Runs runs(std::size_t place) const;
  std::size_t place_of(std::size_t index) const;
  friend bool operator==(const DimensionLayout&, const DimensionLayout&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(extent, places, block, cuts);
  }
};

/// How many places each dimension has: the largest prime factor of `processes` for the longest dimension, and so on, as
/// in DistributedArrays.jl. Their product may be smaller than `processes`.
void default_grid(std::span<const std::size_t> extents, std::size_t processes, std::span<std::size_t> grid);

/// What DArrayOptions say of one dimension. @throws Error if they contradict each other or the extent.
DimensionLayout dimension_layout(std::size_t dimension, std::size_t extent, std::size_t places, std::size_t block,
                                 const std::vector<std::size_t>& cuts);
/// @throws Error if there are fewer processes than places.
void check_places(std::span<const std::size_t> grid, std::size_t processes);

/// A product of runs: the indices of a place, or some of them. Its elements are kept as a dense array of extents().
template <std::size_t N>
struct Region {
  std::array<Runs, N> dimensions;

  Region() = default;
  explicit Region(std::array<Runs, N> runs) : dimensions(std::move(runs)) {}
  Region(const Box<N>& box) {
    for (std::size_t i = 0; i < N; i++)
      if (box.end[i] > box.begin[i]) dimensions[i] = {{box.begin[i], box.end[i]}};
  }
  Extents<N> extents() const {
    Extents<N> result;
    for (std::size_t i = 0; i < N; i++) result[i] = count(dimensions[i]);
    return result;
  }
  bool empty() const {
    for (const Runs& runs : dimensions)
      if (runs.empty()) return true;
    return false;
  }
  bool contains(const Box<N>& box) const {
    for (std::size_t i = 0; i < N; i++)
      if (!detail::contains(dimensions[i], box.begin[i], box.end[i])) return false;
    return true;
  }
  bool is_box() const {
    for (const Runs& runs : dimensions)
      if (runs.size() > 1) return false;
    return true;
  }
  /// The smallest box that has all of it.
  Box<N> hull() const {
    Box<N> box;
    for (std::size_t i = 0; i < N; i++)
      if (!dimensions[i].empty()) box.begin[i] = dimensions[i].front().begin, box.end[i] = dimensions[i].back().end;
    return box;
  }
  friend Region intersection(const Region& a, const Region& b) {
    Region both;
    for (std::size_t i = 0; i < N; i++) both.dimensions[i] = detail::intersection(a.dimensions[i], b.dimensions[i]);
    return both;
  }
  friend bool operator==(const Region&, const Region&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(dimensions);
  }
};

/// Calls `copy(from, to, count)` for the elements that two dense arrays with these regions have in common.
template <std::size_t N, class Copy>
void for_each_common(const Region<N>& from, const Region<N>& to, Copy&& copy) {
  std::array<std::vector<Stretch>, N> common;
  for (std::size_t i = 0; i < N; i++) {
    common[i] = stretches(from.dimensions[i], to.dimensions[i]);
    if (common[i].empty()) return;
  }
  const auto from_extents = from.extents(), to_extents = to.extents();
  // The last dimensions in which both have the same are copied as one.
  std::size_t unit = 1, last = N - 1;
  while (last > 0 && common[last].size() == 1 && common[last][0].count == from_extents[last] &&
         common[last][0].count == to_extents[last])
    unit *= from_extents[last--];
  const auto visit = [&](const auto& self, std::size_t dimension, std::size_t a, std::size_t b) -> void {
    a *= from_extents[dimension];
    b *= to_extents[dimension];
    for (const Stretch& stretch : common[dimension]) {
      if (dimension == last || dimension + 1 == N) {
        copy((a + stretch.from) * unit, (b + stretch.to) * unit, stretch.count * unit);
      } else {
        for (std::size_t i = 0; i < stretch.count; i++)
          self(self, dimension + 1, a + stretch.from + i, b + stretch.to + i);
      }
    }
  };
  visit(visit, 0, 0, 0);
}

}  // namespace detail
}  // namespace cohort
