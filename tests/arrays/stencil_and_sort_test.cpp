#include <cohort/arrays.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>

#include "darray_test.hpp"

namespace cohort::test {
namespace {

using StencilTest = DArrayTest;
using SortTest = DArrayTest;

/// What a stencil of width 2 reads, by the definition.
NdArray<double, 2> by_definition(const NdArray<double, 2>& a, Boundary boundary) {
  const auto rows = static_cast<int>(a.extents()[0]), columns = static_cast<int>(a.extents()[1]);
  const auto index = [&](int i, int n) {
    if (i >= 0 && i < n) return i;
    switch (boundary.kind) {
      case Boundary::Kind::wrap:
        return ((i % n) + n) % n;
      case Boundary::Kind::nearest:
        return i < 0 ? 0 : n - 1;
      case Boundary::Kind::reflect:
        while (n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
        return n > 1 ? i : 0;
      default:
        return -1;
    }
  };
  const auto at = [&](int i, int j) {
    i = index(i, rows), j = index(j, columns);
    return i < 0 || j < 0 ? boundary.value : a(i, j);
  };
  NdArray<double, 2> result(a.extents());
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      result(i, j) = at(i - 2, j) + 10 * at(i, j + 1) - at(i + 2, j + 2) + at(i - 1, j - 2);
  return result;
}

TEST_F(StencilTest, ReadsWhatIsAroundEachElement) {
  const auto f = [](const auto& at) { return at(-2, 0) + 10 * at(0, 1) - at(2, 2) + at(-1, -2); };
  for (const Boundary boundary : {wrap, nearest, reflect, constant(3.5)})
    for (const auto& layout : layouts())
      for (const Extents<2>& extents : {Extents<2>{1, 1}, {2, 3}, {17, 9}, {0, 4}}) {
        SCOPED_TRACE(detail::extents_text(extents) + " on " + detail::extents_text(layout.grid) + " boundary " +
                     std::to_string(static_cast<int>(boundary.kind)));
        const auto local = numbered(extents);
        const StencilOptions options{.width = 2, .boundary = boundary};
        const auto expected = by_definition(local, boundary);
        EXPECT_EQ(stencil(local, options, f), expected);
        EXPECT_EQ(stencil(distribute(local, layout), options, f).gather(), expected);
      }
}

TEST_F(StencilTest, OnlyTheEdgesMove) {
  const auto a = dzeros({1000, 1000}, {.pids = {2, 3}, .grid = {2, 1}});
  const auto next = stencil(a, {.width = 1}, [](const auto& at) { return at(-1, 0) + at(1, 0); });
  EXPECT_EQ(next.moved_bytes(), 2 * 1000 * sizeof(double));
  EXPECT_EQ(next.boxes(), a.boxes());
}

TEST_F(SortTest, SortsAnyVector) {
  for (const std::size_t size : {0, 1, 2, 5, 17, 1000, 20000})
    for (const auto& layout :
         std::vector<DArrayOptions<1>>{{.grid = {1}}, {.grid = {4}}, {}, {.grid = {3}, .block = {2}}}) {
      SCOPED_TRACE(size);
      const auto local = numbered<1>({size});
      EXPECT_EQ(sort(distribute(local, layout)).gather(), sort(local));
      EXPECT_EQ(sort(distribute(local, layout), std::greater<>()).gather(), sort(local, std::greater<>()));
    }
  NdArray<int, 1> same(Extents<1>{1000});
  for (std::size_t i = 0; i < 1000; i++) same[i] = static_cast<int>(i * i % 3);
  EXPECT_EQ(sort(distribute(same)).gather(), sort(same));
  const NdArray<std::string, 1> words{"pear", "apple", "fig", "", "banana", "apple"};
  EXPECT_EQ(sort(distribute(words)).gather(), sort(words));
}

TEST_F(SortTest, ThePartsAreAboutEqual) {
  const auto sorted = sort(drand({60000}, {.seed = 3}));
  for (const auto& box : sorted.boxes()) EXPECT_NEAR(static_cast<double>(box.size()), 10000, 1500);
}

}  // namespace
}  // namespace cohort::test
