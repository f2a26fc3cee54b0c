#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <ranges>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/range.hpp>

namespace cohort {
namespace {

using Parts = std::vector<std::vector<long>>;

template <class T>
Parts numbers(const std::vector<Range<T>>& ranges) {
  Parts parts;
  for (const auto& part : ranges) parts.emplace_back(part.begin(), part.end());
  return parts;
}

TEST(SplitRange, AsDistributedDoes) {
  EXPECT_EQ(numbers(splitrange(1, 11, 1)), (Parts{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}));
  EXPECT_EQ(numbers(splitrange(0, 10, 2)), (Parts{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}));
  EXPECT_EQ(numbers(splitrange(1, 11, 2)), (Parts{{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11}}));
  EXPECT_EQ(numbers(splitrange(-1, 9, 3)), (Parts{{-1, 0, 1, 2}, {3, 4, 5, 6}, {7, 8, 9}}));
  EXPECT_EQ(numbers(splitrange(1, 11, 3)), (Parts{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11}}));
  EXPECT_EQ(numbers(splitrange(1, 7, 4)), (Parts{{1, 2}, {3, 4}, {5, 6}, {7}}));
  EXPECT_EQ(numbers(splitrange(1, 3, 3)), (Parts{{1}, {2}, {3}}));
  EXPECT_EQ(numbers(splitrange(1, 3, 4)), (Parts{{1}, {2}, {3}}));
  EXPECT_EQ(numbers(splitrange(0, 2, 4)), (Parts{{0}, {1}, {2}}));
  EXPECT_EQ(numbers(splitrange(-1, 1, 4)), (Parts{{-1}, {0}, {1}}));
  EXPECT_TRUE(splitrange(1, 0, 4).empty());
  EXPECT_THROW(splitrange(1, 3, 0), Error);
}

TEST(SplitRange, OfAnyIntegerType) {
  EXPECT_EQ(numbers(splitrange(std::uint8_t{250}, std::uint8_t{255}, 2)), (Parts{{250, 251, 252}, {253, 254, 255}}));
  EXPECT_EQ(numbers(splitrange(std::int8_t{-128}, std::int8_t{-126}, 2)), (Parts{{-128, -127}, {-126}}));
  const auto wide =
      splitrange(std::numeric_limits<std::int64_t>::min() + 1, std::numeric_limits<std::int64_t>::max(), 2);
  ASSERT_EQ(wide.size(), 2u);
  EXPECT_EQ(wide[0].last, 0);
  EXPECT_EQ(wide[1].first, 1);
}

// 2^64 of them would be none; an end that the type does not have would be another one.
TEST(RangeTest, WhatCannotBeCountedIsRefused) {
  constexpr long least = std::numeric_limits<long>::min(), most = std::numeric_limits<long>::max();
  EXPECT_THROW(range(least, most), Error);
  EXPECT_THROW(range(0ul, std::numeric_limits<unsigned long>::max()), Error);
  EXPECT_THROW(splitrange(least, most, 2), Error);
  EXPECT_THROW(static_cast<void>((Range<long>{least, most}.size())), Error);
  EXPECT_FALSE((Range<long>{least, most}.empty()));
  EXPECT_EQ(range(least, most, 2).size(), std::size_t{1} << 63);
  EXPECT_THROW(range(least, most, 2).end(), Error);
  EXPECT_THROW(range(-1, 5u), Error);
  EXPECT_THROW(splitrange(-1, 5u, 2), Error);
  EXPECT_EQ(range(1, 5u).size(), 5u);
  EXPECT_EQ(range(-1, 5L).size(), 7u);
}

TEST(RangeTest, BothEndsAreIncluded) {
  EXPECT_EQ(range(1, 10).size(), 10u);
  EXPECT_EQ(numbers<int>({range(1, 10, 3), range(1, 9, 3), range(3, 1, -1), range(3, 1)}),
            (Parts{{1, 4, 7, 10}, {1, 4, 7}, {3, 2, 1}, {}}));
  static_assert(std::ranges::random_access_range<Range<long>> && std::ranges::sized_range<Range<long>>);
  static_assert(std::is_same_v<decltype(range(1, 200'000'000L)), Range<long>>);
  EXPECT_THROW(range(1, 3, 0), Error);
}

}  // namespace
}  // namespace cohort
