#include <gtest/gtest.h>

#include <random>

#include <cohort/archive.hpp>

#include "zoo.hpp"

// Bytes that are not what the type says: always BadMessage, nothing worse. The sanitizer builds see the rest.

namespace cohort {
namespace {

template <class T>
std::string message_of_decoding(const Payload& payload) {
  try {
    decode<T>(payload);
  } catch (const BadMessage& error) {
    return error.what();
  }
  return "";
}

Payload payload_of(std::initializer_list<std::uint64_t> numbers) {
  Payload payload;
  for (std::uint64_t number : numbers) payload.body.append(&number, sizeof(number));
  return payload;
}

TEST(HostileArchive, TruncationAtEveryByte) {
  const Payload whole = encode(zoo::full());
  for (std::size_t size = 0; size < whole.body.size(); ++size) {
    Payload part = whole;
    part.body = Bytes(whole.body.span().first(size));
    EXPECT_THROW(decode<zoo::Everything>(part), BadMessage) << size;
  }
}

TEST(HostileArchive, BytesAndSegmentsLeftOver) {
  Payload payload = encode(zoo::full());
  payload.body.append("x", 1);
  EXPECT_NE(message_of_decoding<zoo::Everything>(payload).find("1 bytes are left over"), std::string::npos);
  payload = encode(5);
  payload.segments.push_back({});
  EXPECT_THROW(decode<int>(payload), BadMessage);
}

TEST(HostileArchive, HugeCountsAllocateNothing) {
  for (const std::uint64_t count : {UINT64_MAX, UINT64_MAX / 8, std::uint64_t{1} << 62, std::uint64_t{1} << 40,
                                    std::uint64_t{3}, (std::uint64_t{1} << 63) + 1, (std::uint64_t{1} << 61) + 1}) {
    const Payload payload = payload_of({count, 0});
    EXPECT_THROW(decode<std::vector<double>>(payload), BadMessage);
    EXPECT_THROW(decode<std::vector<std::string>>(payload), BadMessage);
    EXPECT_THROW(decode<std::u32string>(payload), BadMessage);
    EXPECT_THROW((decode<std::map<double, double>>(payload)), BadMessage);
    EXPECT_THROW(decode<Array<double>>(payload), BadMessage);
    EXPECT_THROW(decode<std::vector<zoo::Point>>(payload), BadMessage);
    EXPECT_THROW((decode<std::array<double, 5000>>(payload)), BadMessage);
    EXPECT_THROW(decode<std::vector<bool>>(payload), BadMessage);
    EXPECT_THROW(decode<std::vector<zoo::Silent>>(payload), BadMessage);
  }
}

/// One byte on the wire, much in memory: the count must not be believed before the elements were seen.
struct Blown {
  Blown() {}
  std::array<char, 1 << 20> memory;
  template <class Archive>
  void serialize(Archive&) {}
};

TEST(HostileArchive, RoomIsMadeForNoMoreThanTheBytesAreWorth) {
  Payload payload = payload_of({1 << 20});
  payload.body.resize(8 + (1 << 20));
  std::memset(payload.body.data() + 8, 1, 1 << 20);
  InArchive ar(payload);
  EXPECT_LE(detail::affordable<Blown>(ar, 1 << 20), 2u);
}

TEST(HostileArchive, SegmentsMustBeWhatTheBodySays) {
  const std::vector<double> large(10'000);
  Payload payload = encode(large);
  payload.segments[0].size -= 8;
  EXPECT_THROW(decode<std::vector<double>>(payload), BadMessage);
  payload.segments.clear();
  EXPECT_THROW(decode<std::vector<double>>(payload), BadMessage);
}

TEST(HostileArchive, ValuesOutOfRange) {
  Payload payload;
  payload.body.append("\2", 1);
  EXPECT_THROW(decode<bool>(payload), BadMessage);
  EXPECT_THROW(decode<std::optional<int>>(payload), BadMessage);
  EXPECT_THROW((decode<std::variant<char, bool>>(payload)), BadMessage);
  EXPECT_THROW(decode<std::bitset<1>>(payload), BadMessage);
  payload = payload_of({3});
  payload.body.append("\x08", 1);
  EXPECT_THROW(decode<std::vector<bool>>(payload), BadMessage);
  EXPECT_THROW(decode<std::set<int>>(encode(std::vector<int>{1, 1})), BadMessage);
}

TEST(HostileArchive, ErrorsNameThePlaceAndTheType) {
  Payload payload = encode(zoo::Person{"Ada", 36, {}});
  payload.body.resize(13);  // the age ends after two bytes
  const std::string message = message_of_decoding<zoo::Person>(payload);
  EXPECT_NE(message.find("at byte 11 of 13"), std::string::npos) << message;
  EXPECT_NE(message.find("reading int in zoo::Person"), std::string::npos) << message;
}

TEST(HostileArchive, MutationsAreReadOrRefused) {
  std::mt19937 random(1);
  const Payload whole = encode(zoo::full());
  for (int i = 0; i < 20'000; ++i) {
    Payload mutated = whole;
    for (int j = 0; j < 3; ++j) mutated.body[random() % mutated.body.size()] = static_cast<std::byte>(random());
    try {
      const auto value = decode<zoo::Everything>(mutated);
      EXPECT_EQ(encode(value).body.size(), mutated.body.size());
    } catch (const BadMessage&) {
    }
  }
}

}  // namespace
}  // namespace cohort
