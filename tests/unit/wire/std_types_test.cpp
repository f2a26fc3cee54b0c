#include <gtest/gtest.h>

#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>

#include <cohort/archive.hpp>

#include "round_trip.hpp"
#include "zoo.hpp"

namespace cohort {
namespace {

TEST(StdTypes, Containers) {
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

TEST(StdTypes, VocabularyTypes) {
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

TEST(StdTypes, ContainersOfTheFormOfTheStandardOnes) {
  expect_round_trip(boost::container::flat_map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  expect_round_trip(boost::container::flat_set<int>{3, 1, 2});
  expect_round_trip(boost::container::deque<std::string>{"x", "", "y"});
  static_assert(!Serializable<boost::container::flat_set<const char*>>);
}

}  // namespace
}  // namespace cohort
