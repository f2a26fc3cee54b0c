#include <cohort/nd_array.hpp>

#include <string>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>
#include <cohort/testing/test_cluster.hpp>

namespace cohort::test {
namespace {

TEST(NdArray, HoldsElementsInTheOrderOfC) {
  NdArray<int, 2> a{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(a.extents(), (Extents<2>{2, 3}));
  EXPECT_EQ(a(1, 0), 4);
  EXPECT_EQ(a[5], 6);
  a.at({0, 2}) = 30;
  EXPECT_EQ(a[2], 30);
  EXPECT_THROW(a.at({2, 0}), Error);
  EXPECT_THROW((NdArray<int, 2>{{1, 2}, {3}}), Error);
  EXPECT_EQ((NdArray<double, 1>(Extents<1>{3}, 0.5)), (NdArray<double, 1>{0.5, 0.5, 0.5}));
  EXPECT_EQ((NdArray<double, 3>({2, 0, 5})).size(), 0u);
  EXPECT_EQ((NdArray<int, 2>({2, 2}))(1, 1), 0);
}

TEST(NdArray, ACopyHasItsOwnElements) {
  NdArray<int, 1> a{1, 2, 3};
  NdArray<int, 1> b = a;
  b[0] = 9;
  EXPECT_EQ(a, (NdArray<int, 1>{1, 2, 3}));
  const int* const place = b.data();
  const NdArray<int, 1> c = std::move(b);
  EXPECT_EQ(c.data(), place);
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.extents(), Extents<1>{0});
}

template <class T, std::size_t N>
NdArray<T, N> twice(const NdArray<T, N>& a) {
  NdArray<T, N> result = a;
  for (T& element : result) element = element + element;
  return result;
}

TEST(NdArray, Travels) {
  cohort::testing::TestCluster cluster(1, {}, {.piece = 1000});
  NdArray<double, 2> large({300, 200});
  for (std::size_t i = 0; i < large.size(); i++) large[i] = static_cast<double>(i);
  const auto doubled = remotecall_fetch(fn<twice<double, 2>>, 2, large);
  EXPECT_EQ(doubled.extents(), large.extents());
  EXPECT_EQ(doubled(299, 199), 2 * large(299, 199));
  EXPECT_EQ(remotecall(fn<twice<double, 2>>, 2, large).get(), doubled);
  const NdArray<std::string, 1> words{"a", std::string(100, 'b'), ""};
  EXPECT_EQ(remotecall_fetch(fn<twice<std::string, 1>>, 2, words)[1], std::string(200, 'b'));
  EXPECT_EQ((remotecall_fetch(fn<twice<int, 3>>, 2, NdArray<int, 3>({0, 4, 5}))).extents(), (Extents<3>{0, 4, 5}));
}

}  // namespace
}  // namespace cohort::test
