#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <string_view>

#include <cohort/archive.hpp>

#include "round_trip.hpp"
#include "zoo.hpp"

namespace cohort {
namespace {

static_assert(Serializable<int> && Serializable<zoo::Everything> && Serializable<std::vector<zoo::Tree>> &&
              Serializable<zoo::Chain>);
static_assert(!Serializable<int*> && !Serializable<std::string_view> && !Serializable<std::span<int>> &&
              !Serializable<std::shared_ptr<int>>);
static_assert(!Serializable<std::vector<const char*>> && !Serializable<std::map<int, std::string_view>> &&
              !Serializable<void (*)()>);
struct Base {
  int b;
};
struct Derived : Base {
  int d;
};
struct HasReference {
  int& r;
};
union Either {
  int i;
  float f;
};
static_assert(Serializable<std::chrono::system_clock::time_point> &&
              !Serializable<std::chrono::steady_clock::time_point>);
static_assert(!Serializable<std::vector<std::chrono::steady_clock::time_point>>);
static_assert(!Serializable<Derived> && !Serializable<HasReference> && !Serializable<Either>);
static_assert(is_bitwise<zoo::Point>::value && is_bitwise<std::array<zoo::Point, 3>>::value);
static_assert(!is_bitwise<zoo::Padded>::value && !is_bitwise<bool>::value && !is_bitwise<zoo::WithSerialize>::value);

TEST(Archive, NumbersAreLittleEndianAndOfFixedWidth) {
  const Payload payload = encode(std::uint32_t{0x01020304});
  ASSERT_EQ(payload.body.size(), 4u);
  EXPECT_EQ(payload.body[0], std::byte{4});
  EXPECT_EQ(payload.body[3], std::byte{1});
  EXPECT_EQ(encode(true).body.size(), 1u);
  EXPECT_EQ(encode(zoo::Colour::green).body.size(), 1u);
}

TEST(Archive, Numbers) {
  expect_round_trip(true);
  expect_round_trip('c');
  expect_round_trip(u'\u00e4');
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip(std::numeric_limits<std::uint64_t>::max());
  expect_round_trip(-0.0);
  expect_round_trip(1.0F / 3);
  expect_round_trip(1.0L / 3);
  expect_round_trip(zoo::Colour::green);
}

TEST(Archive, AggregatesNeedNoCode) {
  expect_round_trip(zoo::Point{1, 2, 3});
  expect_round_trip(zoo::Empty{});
  expect_round_trip(zoo::Person{"Ada", 36, {"a", "b"}});
  expect_round_trip(zoo::Padded{'x', 1});
  expect_round_trip(zoo::full().arrays);
  expect_round_trip(zoo::full().tree);
  EXPECT_EQ(encode(zoo::Padded{}).body.size(), 9u) << "padding does not travel";
}

TEST(Archive, TypesWithTheirOwnCode) {
  expect_round_trip(zoo::WithSerialize(3, {1, 2}));
  expect_round_trip(zoo::WithSaveLoad(8));
  expect_round_trip(zoo::FreeStyle(3));
  expect_round_trip(zoo::FreePair(4));
  expect_round_trip(std::vector<zoo::Silent>(3));
}

TEST(Archive, EverythingTogether) {
  expect_round_trip(zoo::Everything{});
  expect_round_trip(zoo::full());
  expect_round_trip(std::vector<zoo::Everything>(3, zoo::full()));
}

TEST(Archive, ReceivingReplacesWhatWasThere) {
  std::vector<int> numbers{9, 9, 9, 9};
  std::map<int, int> map{{9, 9}};
  std::optional<int> optional = 9;
  Payload payload;
  OutArchive out(payload);
  out(std::vector<int>{1}, std::map<int, int>{{1, 2}}, std::optional<int>{});
  InArchive ar(payload);
  ar(numbers, map, optional);
  ar.finish();
  EXPECT_EQ(numbers, std::vector<int>{1});
  EXPECT_EQ(map, (std::map<int, int>{{1, 2}}));
  EXPECT_FALSE(optional);
}

zoo::Chain chain_of(int length) {
  zoo::Chain chain{length, nullptr};
  if (length > 1) chain.next = std::make_unique<zoo::Chain>(chain_of(length - 1));
  return chain;
}

TEST(Archive, NestingIsLimitedOnBothSides) {
  EXPECT_EQ(round_trip(chain_of(64)).next->value, 63);
  EXPECT_THROW(encode(chain_of(65)), Error);
  Payload payload;
  for (int i = 0; i < 100'000; ++i) payload.body.append("\1\0\0\0\1", 5);  // a value, and "there is one more"
  EXPECT_THROW(decode<zoo::Chain>(payload), BadMessage);
}

struct Bomb {
  Bomb() = default;
  explicit Bomb(int) { throw 1; }
  std::string text;
  template <class Archive>
  void serialize(Archive& ar) {
    ar(text);
  }
};

TEST(Archive, AVariantWithoutAValueIsTheSendersError) {
  std::variant<std::string, Bomb> variant = "x";
  EXPECT_ANY_THROW(variant.emplace<Bomb>(1));
  EXPECT_THROW(encode(variant), Error);
}

}  // namespace
}  // namespace cohort
