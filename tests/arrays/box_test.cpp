#include <cohort/box.hpp>

#include <cstdint>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort::test {
namespace {

TEST(Box, ItsExtentsAndWhatIsInIt) {
  const Box<2> box{{1, 2}, {3, 6}};
  EXPECT_EQ(box.extents(), (Extents<2>{2, 4}));
  EXPECT_EQ(box.size(), 8u);
  EXPECT_TRUE(box.contains(Index<2>{2, 5}));
  EXPECT_FALSE(box.contains(Index<2>{3, 5}));
  EXPECT_FALSE(box.contains(Index<2>{0, 5}));
  EXPECT_EQ(intersection(box, {{0, 4}, {2, 9}}), (Box<2>{{1, 4}, {2, 6}}));
  EXPECT_TRUE(intersection(box, {{5, 4}, {7, 9}}).empty());
  EXPECT_TRUE(box.contains(Box<2>{{1, 2}, {2, 3}}));
  EXPECT_FALSE(box.contains(Box<2>{{1, 2}, {4, 3}}));
  EXPECT_TRUE(box.contains(Box<2>{{9, 9}, {9, 9}})) << "nothing is in it";
  EXPECT_EQ(to_string(box), "[1, 3) x [2, 6)");
  EXPECT_EQ(Box<0>{}.size(), 1u);
}

TEST(Extents, TheLastIndexRunsFastest) {
  EXPECT_EQ(strides_of<3>({2, 3, 4}), (std::array<std::size_t, 3>{12, 4, 1}));
  EXPECT_EQ((place_of<3>({1, 2, 3}, {2, 3, 4})), 23u);
}

TEST(Extents, AProductThatIsTooLargeIsAnError) {
  const std::size_t half = std::size_t{1} << 32;
  EXPECT_EQ((element_count<2>({half, half / 2})), half * (half / 2));
  EXPECT_THROW((element_count<2>({half, half})), Error);
  EXPECT_THROW((element_count<2>({half, half / 2}, 8)), Error);
  EXPECT_EQ((element_count<3>({half, half, 0}, 8)), 0u) << "an empty array";
  try {
    element_count<2>({half, half}, 8);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "an array of 4294967296 x 4294967296 elements of 8 bytes is larger than what can be addressed");
  }
}

}  // namespace
}  // namespace cohort::test
