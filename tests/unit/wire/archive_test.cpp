#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <string_view>

#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>

#include <cohort/archive.hpp>

#include "zoo.hpp"

namespace cohort {
namespace detail {
struct Reference {
  int number = 0;
};
}  // namespace detail

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

template <class T>
T round_trip(const T& value) {
  return decode<T>(encode(value));
}

template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(round_trip(value), value);
}

TEST(Archive, ContainersOfTheFormOfTheStandardOnes) {
  expect_round_trip(boost::container::flat_map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  expect_round_trip(boost::container::flat_set<int>{3, 1, 2});
  expect_round_trip(boost::container::deque<std::string>{"x", "", "y"});
  static_assert(!Serializable<boost::container::flat_set<const char*>>);
}

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

TEST(Archive, Containers) {
  expect_round_trip(std::string());
  expect_round_trip(std::string("with\0zero", 9));
  expect_round_trip(std::u32string(U"wide"));
  expect_round_trip(std::vector<int>{});
  expect_round_trip(std::vector<int>{1, 2, 3});
  expect_round_trip(std::vector<std::string>{"", "b"});
  for (std::size_t size : {0, 1, 7, 8, 9, 16, 1000}) {
    std::vector<bool> bits(size);
    for (std::size_t i = 0; i < size; i += 3) bits[i] = true;
    expect_round_trip(bits);
  }
  expect_round_trip(std::array<std::string, 2>{"x", "y"});
  expect_round_trip(std::array<int, 0>{});
  expect_round_trip(std::deque<int>{1, 2});
  expect_round_trip(std::list<zoo::Person>{{"A", 1, {}}});
  expect_round_trip(std::map<std::string, std::map<int, double>>{{"a", {{1, 2.0}}}});
  expect_round_trip(std::multiset<int>{1, 1, 2});
  expect_round_trip(std::unordered_multiset<int>{1, 1, 2});
  expect_round_trip(std::unordered_multimap<int, int>{{1, 1}, {1, 2}});
  expect_round_trip(std::unordered_map<std::string, int>{{"a", 1}, {"b", 2}, {"c", 3}});
}

TEST(Archive, VocabularyTypes) {
  expect_round_trip(std::pair<int, std::string>{1, "a"});
  expect_round_trip(std::tuple<>{});
  expect_round_trip(std::tuple<int, double, std::string>{1, 2, "3"});
  expect_round_trip(std::optional<std::string>{});
  expect_round_trip(std::optional<std::string>{"x"});
  expect_round_trip(std::optional<std::optional<int>>{std::optional<int>{}});
  expect_round_trip(std::variant<int, std::string>{"text"});
  expect_round_trip(std::variant<int, int>{std::in_place_index<1>, 5});
  expect_round_trip(std::monostate{});
  expect_round_trip(std::chrono::milliseconds(-5));
  expect_round_trip(std::chrono::duration<long double>(1.5L));
  expect_round_trip(std::chrono::system_clock::now());
  expect_round_trip(std::filesystem::path("a/b.txt"));
  expect_round_trip(std::bitset<0>());
  expect_round_trip(std::bitset<8>(0xa5));
  expect_round_trip(std::bitset<65>("10000000000000000000000000000000000000000000000000000000000000001"));
  expect_round_trip(std::complex<float>(1, 2));
  expect_round_trip(std::complex<long double>(1, 2));
  EXPECT_EQ(round_trip(std::unique_ptr<int>()), nullptr);
  EXPECT_EQ(*round_trip(std::make_unique<int>(5)), 5);
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

TEST(Archive, LargeRangesTravelAsSegmentsOfTheCallersMemory) {
  const std::vector<double> large(segment_threshold / sizeof(double), 1.5);
  const Payload payload = encode(large);
  EXPECT_EQ(payload.body.size(), 8u);
  ASSERT_EQ(payload.segments.size(), 1u);
  EXPECT_EQ(static_cast<const void*>(payload.segments[0].data), large.data());
  EXPECT_TRUE(payload.has_borrowed());
  EXPECT_EQ(decode<std::vector<double>>(payload), large);

  const std::vector<double> small(segment_threshold / sizeof(double) - 1);
  EXPECT_TRUE(encode(small).segments.empty());
  expect_round_trip(std::string(100'000, 'x'));
  expect_round_trip(std::array<int, 10'000>{1, 2, 3});
  expect_round_trip(zoo::bulk());
  EXPECT_EQ(encode(zoo::bulk()).segments.size(), 3u);
}

TEST(Archive, KeepAliveOwnsTheSegments) {
  auto values = std::make_shared<const std::vector<int>>(10'000, 7);
  Payload payload;
  OutArchive(payload, values)(*values);
  EXPECT_FALSE(payload.has_borrowed());
  EXPECT_EQ(static_cast<const void*>(payload.segments.at(0).data), values->data());
  std::weak_ptr<const void> alive = values;
  values.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(decode<std::vector<int>>(payload), std::vector<int>(10'000, 7));
}

TEST(Archive, ATemporaryIsCopied) {
  const Payload payload = encode(std::vector<int>(10'000, 7));
  EXPECT_FALSE(payload.has_borrowed());
  EXPECT_EQ(decode<std::vector<int>>(payload), std::vector<int>(10'000, 7));
}

// What a class hands over from a local variable must be copied, its own fields not.
struct Mixed {
  std::vector<int> field = std::vector<int>(10'000, 1);
  template <class Archive>
  void save(Archive& ar) const {
    const std::vector<int> local(10'000, 2);
    ar(field, local);
  }
  template <class Archive>
  void load(Archive& ar) {
    std::vector<int> local;
    ar(field, local);
    EXPECT_EQ(local, std::vector<int>(10'000, 2));
  }
};

TEST(Archive, LocalVariablesOfSaveAreCopied) {
  for (const bool kept : {false, true}) {
    const auto value = std::make_shared<const Mixed>();
    Payload payload;
    OutArchive(payload, kept ? value : nullptr)(*value);
    ASSERT_EQ(payload.segments.size(), 2u);
    EXPECT_EQ(static_cast<const void*>(payload.segments[0].data), value->field.data());
    EXPECT_NE(payload.segments[1].owner, nullptr);
    EXPECT_NE(payload.segments[1].owner, value);
    EXPECT_EQ(decode<Mixed>(payload).field, value->field);
  }
}

TEST(Archive, SmallValuesDoNotAllocate) {
  const Payload payload = encode(zoo::Point{1, 2, 3});
  EXPECT_EQ(payload.body.capacity(), Bytes::inline_capacity);
  EXPECT_EQ(payload.segments.capacity(), 0u);
  EXPECT_EQ(payload.references.capacity(), 0u);
}

/// As a Future does it.
struct Handle {
  std::shared_ptr<detail::Reference> reference;
  template <class Archive>
  void save(Archive& ar) const {
    ar(ar.add_reference(reference));
  }
  template <class Archive>
  void load(Archive& ar) {
    reference = ar.take_reference();
  }
};

TEST(Archive, ReferencesTravelBesideTheBytes) {
  std::vector<Handle> handles;
  for (int i = 0; i < 100; ++i) handles.push_back({std::make_shared<detail::Reference>(detail::Reference{i})});
  Payload payload = encode(handles);
  EXPECT_EQ(payload.references.size(), 100u);
  const auto got = decode<std::vector<Handle>>(payload);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(got[i].reference->number, i);

  std::memset(payload.body.data() + 12, 0, 4);  // the second names the first's reference
  EXPECT_THROW(decode<std::vector<Handle>>(payload), BadMessage);
  payload.body[12] = std::byte{200};
  EXPECT_THROW(decode<std::vector<Handle>>(payload), BadMessage);
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
