#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/array.hpp>

// One of each kind of type that can travel; shared by the unit tests and the fuzzer.

namespace zoo {

enum class Colour : std::uint8_t { red, green };

struct Point {
  double x = 0, y = 0, z = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};

struct Person {
  std::string name;
  int age = 0;
  std::vector<std::string> tags;
  friend bool operator==(const Person&, const Person&) = default;
};

struct Padded {
  char c = 0;
  double d = 0;
  friend bool operator==(const Padded&, const Padded&) = default;
};

struct WithArrays {
  char name[8] = {};
  int matrix[2][3] = {};
  Point corners[2] = {};
  std::string words[2];
  bool last = false;
  friend bool operator==(const WithArrays&, const WithArrays&) = default;
};

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree& a, const Tree& b) { return a.value == b.value && a.children == b.children; }
};

struct Chain {
  int value = 0;
  std::unique_ptr<Chain> next;
};

class WithSerialize {
 public:
  WithSerialize() = default;
  WithSerialize(int number, std::vector<double> data) : number_(number), data_(std::move(data)) {}
  template <class Archive>
  void serialize(Archive& ar) {
    ar(number_, data_);
  }
  friend bool operator==(const WithSerialize&, const WithSerialize&) = default;

 private:
  int number_ = 0;
  std::vector<double> data_;
};

class WithSaveLoad {
 public:
  WithSaveLoad() = default;
  explicit WithSaveLoad(int n) : half_(n / 2) {}
  template <class Archive>
  void save(Archive& ar) const {
    ar& half_ * 2;
  }
  template <class Archive>
  void load(Archive& ar) {
    int n = 0;
    ar& n;
    half_ = n / 2;
  }
  friend bool operator==(const WithSaveLoad&, const WithSaveLoad&) = default;

 private:
  int half_ = 0;
};

struct FreeStyle {
  FreeStyle() = default;
  explicit FreeStyle(int n) : number(n) {}
  int number = 0;
  friend bool operator==(const FreeStyle&, const FreeStyle&) = default;
};
template <class Archive>
void serialize(Archive& ar, FreeStyle& value) {
  ar(value.number);
}

struct FreePair {
  FreePair() = default;
  explicit FreePair(int n) : number(n) {}
  int number = 0;
  friend bool operator==(const FreePair&, const FreePair&) = default;
};
template <class Archive>
void save(Archive& ar, const FreePair& value) {
  ar(value.number);
}
template <class Archive>
void load(Archive& ar, FreePair& value) {
  ar(value.number);
}

/// Writes nothing at all.
struct Silent {
  Silent() {}
  template <class Archive>
  void serialize(Archive&) {}
  friend bool operator==(const Silent&, const Silent&) { return true; }
};

struct Everything {
  bool flag = false;
  char letter = 0;
  std::int8_t i8 = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  long double ld = 0;
  Colour colour = Colour::red;
  Point point;
  Person person;
  WithArrays arrays;
  Empty empty;
  std::array<bool, 3> bools{};
  std::vector<Point> points;
  std::vector<bool> bits;
  std::vector<std::vector<std::int16_t>> rows;
  std::deque<std::string> lines;
  std::list<Silent> silents;
  std::map<std::string, std::optional<int>> map;
  std::multimap<int, Padded> multimap;
  std::set<std::string> set;
  std::unordered_map<int, std::string> hashed;
  std::unordered_set<std::string> hashes;
  std::tuple<int, std::string, std::tuple<>> tuple;
  std::variant<std::monostate, int, std::string, std::vector<double>> variant;
  std::pair<std::chrono::nanoseconds, std::chrono::system_clock::time_point> times;
  std::filesystem::path path;
  std::bitset<11> bitset;
  std::complex<double> complex;
  std::vector<WithSerialize> own;
  std::pair<WithSaveLoad, std::pair<FreeStyle, FreePair>> pairs;
  Tree tree;
  cohort::Array<std::int32_t> array;
  friend bool operator==(const Everything&, const Everything&) = default;
};

inline Everything full() {
  Everything e;
  e.flag = true;
  e.letter = 'x';
  e.i8 = -3;
  e.u64 = 0x0102030405060708;
  e.f = 1.5F;
  e.ld = 2.25L;
  e.colour = Colour::green;
  e.point = {1, 2, 3};
  e.person = {"Ada", 36, {"analyst", ""}};
  e.arrays = {"name", {{1, 2, 3}, {4, 5, 6}}, {{1, 2, 3}, {4, 5, 6}}, {"a", "b"}, true};
  e.bools = {true, false, true};
  e.points = {{1, 1, 1}, {2, 2, 2}};
  e.bits = {true, false, true, true, false, false, false, false, true};
  e.rows = {{1, 2}, {}, {3}};
  e.lines = {"first", "second"};
  e.silents = {Silent{}, Silent{}};
  e.map = {{"one", 1}, {"none", std::nullopt}};
  e.multimap = {{1, {'a', 1}}, {1, {'b', 2}}};
  e.set = {"p", "q"};
  e.hashed = {{7, "seven"}};
  e.hashes = {"h"};
  e.tuple = {4, "four", {}};
  e.variant = std::vector<double>{0.5};
  e.times = {std::chrono::nanoseconds(5), std::chrono::system_clock::time_point(std::chrono::seconds(9))};
  e.path = "/some/where";
  e.bitset = 0b10110010111;
  e.complex = {1, -1};
  e.own = {{1, {1.0}}, {2, {}}};
  e.pairs = {WithSaveLoad(8), {FreeStyle(3), FreePair(4)}};
  e.tree = {1, {{2, {}}, {3, {{4, {}}}}}};
  e.array = {1, 2, 3};
  return e;
}

/// Two large segments, one of them inside of a list.
struct Bulk {
  std::vector<double> numbers;
  std::list<std::array<std::int32_t, 5000>> blocks;
  cohort::Array<Point> points;
  friend bool operator==(const Bulk&, const Bulk&) = default;
};

inline Bulk bulk() {
  Bulk b;
  for (int i = 0; i < 3000; ++i) b.numbers.push_back(i);
  b.blocks.emplace_back();
  for (int i = 0; i < 5000; ++i) b.blocks.back()[i] = i;
  b.points = cohort::Array<Point>(std::vector<Point>(1000, Point{1, 2, 3}));
  return b;
}

}  // namespace zoo
