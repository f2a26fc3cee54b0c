#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include <cohort/array.hpp>

#include "wire/segment_pool.hpp"
#include "zoo.hpp"

namespace cohort {
namespace {

std::vector<int> numbers(std::size_t size) {
  std::vector<int> result(size);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

TEST(Array, TakesAVectorWithoutCopying) {
  std::vector<int> vector = numbers(100);
  const int* data = vector.data();
  const Array<int> array(std::move(vector));
  EXPECT_EQ(array.data(), data);
  EXPECT_EQ(array.size(), 100u);
  EXPECT_EQ(array[99], 99);
  const Array<int> copy = array;
  EXPECT_EQ(copy.data(), data);
  EXPECT_EQ(Array<int>(std::list<int>{1, 2}), (Array<int>{1, 2}));
}

TEST(Array, TravelsWithoutACopyOnEitherSide) {
  const Array<int> array(numbers(10'000));
  const Payload sent = encode(array);
  ASSERT_EQ(sent.segments.size(), 1u);
  EXPECT_EQ(static_cast<const void*>(sent.segments[0].data), array.data());
  EXPECT_FALSE(sent.has_borrowed()) << "the array's elements are shared, so they outlive it";

  Payload received;
  received.body = sent.body;
  received.segments.push_back(copy_segment(sent.segments[0].span()));
  const auto got = decode<Array<int>>(received);
  EXPECT_EQ(static_cast<const void*>(got.data()), received.segments[0].data);
  received = Payload();
  EXPECT_EQ(got, array);
}

TEST(Array, IsReadFromWhatAVectorSentAndTheOtherWayRound) {
  EXPECT_EQ(decode<Array<int>>(encode(numbers(5))), Array<int>(numbers(5)));
  EXPECT_EQ(decode<Array<int>>(encode(numbers(50'000))), Array<int>(numbers(50'000)));
  EXPECT_EQ(decode<std::vector<int>>(encode(Array<int>(numbers(50'000)))), numbers(50'000));
  EXPECT_EQ(decode<Array<int>>(encode(Array<int>())).size(), 0u);
}

TEST(Array, CopiesMemoryThatIsBorrowedOrAskew) {
  const std::vector<int> vector = numbers(10);
  const auto bytes = std::as_bytes(std::span(vector));
  const Array<int> from_borrowed(Segment{nullptr, bytes.data(), bytes.size()});
  EXPECT_NE(from_borrowed.data(), vector.data());
  EXPECT_EQ(from_borrowed, Array<int>(vector));

  const std::shared_ptr<std::byte> memory = allocate_segment(bytes.size() + 1);
  std::memcpy(memory.get() + 1, bytes.data(), bytes.size());
  const Array<int> from_askew(Segment{memory, memory.get() + 1, bytes.size()});
  EXPECT_EQ(from_askew, Array<int>(vector));
}

TEST(SegmentPool, MemoryIsAlignedAndFreedMemoryComesBack) {
  for (std::size_t size : {1, 100, 1 << 19}) {
    const auto memory = allocate_segment(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0u);
    std::memset(memory.get(), 1, size);
  }
  auto large = allocate_segment(5 << 20);
  std::memset(large.get(), 1, 5 << 20);
  const std::byte* place = large.get();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % (2 << 20), 0u);
  const auto other = allocate_segment(5 << 20);
  EXPECT_NE(other.get(), place);
  large.reset();
  EXPECT_EQ(allocate_segment(5 << 20).get(), place);
}

TEST(SegmentPool, IsSharedByThreads) {
  const auto work = [](unsigned char mark) {
    for (int i = 0; i < 200; ++i) {
      const auto memory = allocate_segment(std::size_t{1 + i % 3u} << 20);
      memory.get()[0] = std::byte{mark};
      memory.get()[100'000] = std::byte{mark};
      EXPECT_EQ(memory.get()[0], std::byte{mark});
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
}

TEST(SegmentPool, MoreThanThePoolHoldsIsGivenBack) {
  std::vector<std::shared_ptr<std::byte>> all;
  for (int i = 0; i < 10; ++i) all.push_back(allocate_segment(40 << 20));  // never touched, so it costs nothing
  all.clear();
  for (int i = 0; i < 200; ++i) all.push_back(allocate_segment(1 << 20));
  all.clear();
  EXPECT_NE(allocate_segment(std::size_t{1} << 36), nullptr) << "a size is believed, its memory is not there yet";
}

}  // namespace
}  // namespace cohort
