#include <cohort/device_array.hpp>

#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include <cohort/algorithms.hpp>
#include <cohort/error.hpp>

#include "device_test.hpp"

namespace cohort::test {
namespace {

DeviceArray<int, 1> in_a_static_variable;  // destroyed after all that the driver destroys

TEST(DeviceArray, MayLiveUntilTheEndOfTheProcess) {
  in_a_static_variable = DeviceArray<int, 1>{1, 2, 3};
  EXPECT_EQ(sum(in_a_static_variable), 6);
}

TEST(DeviceArray, GivesBackWhatItGot) {
  for (const std::size_t size : sizes) {
    const auto host = numbers<double>(Extents<1>{size});
    const DeviceArray<double, 1> a(host);
    EXPECT_EQ(a.extents(), host.extents());
    EXPECT_EQ(a.size(), size);
    EXPECT_EQ(a.empty(), size == 0);
    EXPECT_EQ(a.copy(), host);
  }
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const auto host = numbers<T>(Extents<2>{3, 5});
    EXPECT_EQ((DeviceArray<T, 2>(host).copy()), host);
    EXPECT_EQ((DeviceArray<T, 2>({3, 5}).copy()), (NdArray<T, 2>({3, 5})));
    EXPECT_EQ((DeviceArray<T, 2>({3, 5}, T{1}).copy()), (NdArray<T, 2>({3, 5}, T{1})));
  };
  check(false), check(std::int8_t()), check(std::uint8_t()), check(std::int16_t()), check(std::uint16_t());
  check(0), check(0U), check(0L), check(0ULL), check(0.0F), check(0.0);
}

TEST(DeviceArray, IsAValue) {
  DeviceArray<int, 1> a{1, 2, 3};
  DeviceArray<int, 1> b = a;
  a.put({{0}, {1}}, {7});
  EXPECT_EQ(a.copy(), (NdArray<int, 1>{7, 2, 3}));
  EXPECT_EQ(b.copy(), (NdArray<int, 1>{1, 2, 3}));
  EXPECT_FALSE(a == b);
  b = a;
  EXPECT_TRUE(a == b);
  const DeviceArray<int, 1> c = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(c == b);
  EXPECT_FALSE(c == (DeviceArray<int, 1>{7, 2}));
  EXPECT_TRUE((DeviceArray<int, 1>() == DeviceArray<int, 1>(Extents<1>{0})));
  a = b;
  EXPECT_TRUE(a == b);
  EXPECT_THROW((DeviceArray<int, 2>{{1, 2}, {3}}), Error);
}

TEST(DeviceArray, BoxesOfAnyRank) {
  const auto check = [](const auto& host, const auto& box) {
    constexpr std::size_t N = std::remove_cvref_t<decltype(host)>::rank;
    DeviceArray<double, N> a(host);
    NdArray<double, N> part(box.extents());
    auto changed = host;
    std::size_t k = 0;
    for (std::size_t i = 0; i < host.size(); i++) {
      Index<N> index;
      for (std::size_t rest = i, d = N; d-- > 0; rest /= host.extents()[d]) index[d] = rest % host.extents()[d];
      if (!box.contains(index)) continue;
      part[k] = host[i];
      changed[i] = 1000.0 + static_cast<double>(k++);
    }
    EXPECT_EQ(a.get(box), part);
    for (std::size_t i = 0; i < part.size(); i++) part[i] = 1000.0 + static_cast<double>(i);
    a.put(box, part);
    EXPECT_EQ(a.copy(), changed);
  };
  check(numbers<double>(Extents<1>{10}), Box<1>{{3}, {8}});
  check(numbers<double>(Extents<1>{10}), Box<1>{{3}, {3}});
  check(numbers<double>(Extents<2>{5, 7}), Box<2>{{1, 2}, {4, 7}});
  check(numbers<double>(Extents<3>{4, 5, 6}), Box<3>{{1, 0, 2}, {3, 4, 5}});
  check(numbers<double>(Extents<4>{3, 4, 2, 5}), Box<4>{{1, 1, 0, 2}, {3, 3, 2, 4}});
  check(numbers<double>(Extents<5>{2, 3, 4, 2, 3}), Box<5>{{0, 1, 1, 0, 1}, {2, 3, 3, 1, 3}});
  DeviceArray<double, 2> a({5, 7});
  try {
    a.get({{0, 3}, {5, 8}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the box [0, 5) x [3, 8) is not inside of an array of 5 x 7 elements");
  }
  EXPECT_THROW(a.put({{0, 0}, {6, 1}}, NdArray<double, 2>({6, 1})), Error);
  EXPECT_THROW(a.put({{0, 0}, {2, 2}}, NdArray<double, 2>({4, 1})), Error);
  EXPECT_TRUE((DeviceArray<double, 1>().get({{0}, {0}}).empty()));
}

TEST(DeviceArray, Reshape) {
  DeviceArray<int, 1> a(numbers<int>(Extents<1>{12}));
  const DeviceArray<int, 2> matrix = a.reshape<2>({3, 4});
  EXPECT_EQ(matrix.copy(), (numbers<int>(Extents<2>{3, 4})));
  EXPECT_EQ(a.size(), 12u) << "it has elements of its own";
  EXPECT_THROW(a.reshape<2>({3, 5}), Error);
  const auto memory = a.memory();
  EXPECT_EQ((std::move(a).reshape<3>({2, 3, 2}).memory()), memory) << "a temporary gives its elements";
}

TEST(DeviceArray, IsEncodedAsAnNdArray) {
  for (const std::size_t size : sizes) {
    const auto host = numbers<double>(Extents<1>{size});
    const auto payload = encode(DeviceArray<double, 1>(host));
    EXPECT_EQ((decode<DeviceArray<double, 1>>(payload).copy()), host);
    EXPECT_EQ((decode<NdArray<double, 1>>(payload)), host);
  }
  EXPECT_THROW((decode<DeviceArray<double, 2>>(encode(DeviceArray<double, 1>({3})))), BadMessage);
}

}  // namespace
}  // namespace cohort::test
