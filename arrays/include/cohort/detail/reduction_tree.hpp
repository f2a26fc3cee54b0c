#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include <cohort/box.hpp>

// The order in which the elements of an array are reduced. It depends on the extents alone, so that a sum has the same
// bits however the array is distributed: the box of all indices is halved, along its longest dimension, until at most
// `leaf_elements` are left; these are reduced one after the other, and the halves in pairs.

namespace COHORT_EXPORT cohort {
namespace detail {

inline constexpr std::size_t leaf_elements = 4096;

template <std::size_t N>
constexpr bool is_leaf(const Box<N>& box) {
  return box.size() <= leaf_elements;
}

template <std::size_t N>
constexpr std::pair<Box<N>, Box<N>> halves(const Box<N>& box) {
  const auto extents = box.extents();
  std::size_t longest = 0;
  for (std::size_t i = 1; i < N; i++)
    if (extents[i] > extents[longest]) longest = i;
  std::pair<Box<N>, Box<N>> result{box, box};
  result.first.end[longest] = result.second.begin[longest] = box.begin[longest] + (extents[longest] + 1) / 2;
  return result;
}

/// What of the box is reduced: std::nullopt if it is empty. @param leaf reduces a box that is not empty.
template <class R, std::size_t N, class Leaf, class Op>
std::optional<R> reduce_tree(const Box<N>& box, Leaf& leaf, Op& op) {
  if (box.empty()) return std::nullopt;
  if (is_leaf(box)) return leaf(box);
  const auto [first, second] = halves(box);
  auto a = reduce_tree<R>(first, leaf, op);
  auto b = reduce_tree<R>(second, leaf, op);
  return static_cast<R>(op(std::move(*a), std::move(*b)));
}

/// Calls `row(place, count)` for the rows of a box of an array with these extents.
template <std::size_t N, class Row>
void for_each_row(const Box<N>& box, const Extents<N>& extents, Row&& row) {
  if constexpr (N == 0) {
    row(std::size_t{0}, std::size_t{1});
  } else {
    if (box.empty()) return;
    Index<N> index = box.begin;
    const std::size_t count = box.end[N - 1] - box.begin[N - 1];
    for (;;) {
      row(place_of(index, extents), count);
      std::size_t i = N - 1;
      for (;;) {
        if (i == 0) return;
        i--;
        if (++index[i] < box.end[i]) break;
        index[i] = box.begin[i];
      }
    }
  }
}

/// Reduces the elements `value(place)` of a box, which is not empty. Numbers are added in eight sums at once, which the
/// compiler can keep in vectors.
template <class R, std::size_t N, class Value, class Op>
R reduce_leaf(const Box<N>& box, const Extents<N>& extents, Value& value, Op& op) {
  if constexpr (std::is_arithmetic_v<R> && std::is_same_v<Op, std::plus<>>) {
    R sums[8] = {};
    for_each_row(box, extents, [&](std::size_t place, std::size_t count) {
      std::size_t i = 0;
      for (; i + 8 <= count; i += 8)
        for (std::size_t k = 0; k < 8; k++) sums[k] += static_cast<R>(value(place + i + k));
      for (std::size_t k = 0; i < count; i++, k++) sums[k] += static_cast<R>(value(place + i));
    });
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  } else {
    std::optional<R> result;
    for_each_row(box, extents, [&](std::size_t place, std::size_t count) {
      std::size_t i = 0;
      if (!result) result.emplace(static_cast<R>(value(place + i++)));
      for (; i < count; i++) result.emplace(static_cast<R>(op(std::move(*result), static_cast<R>(value(place + i)))));
    });
    return std::move(*result);
  }
}

}  // namespace detail
}  // namespace cohort
