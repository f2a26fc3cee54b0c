#include <gtest/gtest.h>

#include <string>

#include <cohort/bytes.hpp>
#include <cohort/error.hpp>

namespace cohort {
namespace {

Bytes filled(std::size_t size) {
  Bytes bytes;
  bytes.resize(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

class BytesOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(BytesOfSize, CopiesAndMovesKeepTheContents) {
  const std::size_t size = GetParam();
  const Bytes original = filled(size);
  Bytes copy = original;
  EXPECT_EQ(copy, original);
  Bytes moved = std::move(copy);
  EXPECT_EQ(moved, original);
  EXPECT_TRUE(copy.empty());  // NOLINT: a moved-from buffer is empty and usable
  copy.append("x", 1);
  EXPECT_EQ(copy.size(), 1u);
  Bytes assigned = filled(200);
  assigned = original;
  EXPECT_EQ(assigned, original);
  assigned = std::move(moved);
  EXPECT_EQ(assigned, original);
  auto& self = assigned;
  assigned = self;
  EXPECT_EQ(assigned, original);
}

TEST_P(BytesOfSize, GrowsByAppending) {
  const Bytes original = filled(GetParam());
  Bytes bytes;
  for (std::byte byte : original) bytes.append(&byte, 1);
  EXPECT_EQ(bytes, original);
}

INSTANTIATE_TEST_SUITE_P(Sizes, BytesOfSize, testing::Values(0, 1, 103, 104, 105, 208, 5000));

TEST(Bytes, SmallContentsLieInside) {
  const Bytes bytes = filled(Bytes::inline_capacity);
  const auto* begin = reinterpret_cast<const std::byte*>(&bytes);
  EXPECT_GE(bytes.data(), begin);
  EXPECT_LT(bytes.data(), begin + sizeof(bytes));
}

TEST(Bytes, RefusesMoreThanAFrameCanSay) {
  Bytes bytes;
  EXPECT_THROW(bytes.resize(Bytes::max_size + 1), Error);
  EXPECT_THROW(bytes.reserve(SIZE_MAX), Error);
  EXPECT_EQ(bytes.size(), 0u);
}

TEST(Payload, OwnCopiesWhatWasBorrowed) {
  std::string text = "data";
  Payload payload;
  payload.segments.push_back({nullptr, reinterpret_cast<const std::byte*>(text.data()), text.size()});
  payload.body.append("abc", 3);
  EXPECT_TRUE(payload.has_borrowed());
  EXPECT_EQ(payload.byte_size(), 7u);
  payload.own();
  EXPECT_FALSE(payload.has_borrowed());
  text = "gone";
  EXPECT_EQ(std::memcmp(payload.segments[0].data, "data", 4), 0);
}

}  // namespace
}  // namespace cohort
