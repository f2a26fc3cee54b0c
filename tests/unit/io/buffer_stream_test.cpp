#include <atomic>
#include <cerrno>
#include <numeric>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>

namespace cohort {
namespace {

ssize_t write_text(Writer& writer, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return writer.write({&part, 1});
}

std::string read_text(Reader& reader, std::size_t most = 1024) {
  std::string text(most, '\0');
  const ssize_t count = reader.read(std::as_writable_bytes(std::span(text)));
  if (count < 0) return "error " + std::to_string(-count);
  text.resize(static_cast<std::size_t>(count));
  return text;
}

TEST(BufferStream, HandsOutBytesInOrder) {
  BufferStream stream(8);
  auto reader = stream.reader();
  auto writer = stream.writer();
  const iovec parts[] = {{const_cast<char*>("ab"), 2}, {nullptr, 0}, {const_cast<char*>("cdef"), 4}};
  EXPECT_EQ(writer->write(parts), 6);
  EXPECT_EQ(read_text(*reader, 4), "abcd");
  EXPECT_EQ(write_text(*writer, "ghijklmn"), 6) << "only as much as there is room for, around the ring's end";
  EXPECT_EQ(read_text(*reader), "efghijkl");
}

TEST(BufferStream, SaysNotNowAndCallsWhenItIsTime) {
  BufferStream stream(4);
  auto reader = stream.reader();
  auto writer = stream.writer();
  int readable = 0;
  int writable = 0;
  reader->on_readable([&] { ++readable; });
  writer->on_writable([&] { ++writable; });
  std::byte buffer[4];
  EXPECT_EQ(reader->read(buffer), -EAGAIN);
  EXPECT_EQ(readable, 0);
  EXPECT_EQ(write_text(*writer, "abcd"), 4);
  EXPECT_EQ(readable, 1);
  EXPECT_EQ(writable, 0);
  EXPECT_EQ(write_text(*writer, "e"), -EAGAIN);
  EXPECT_EQ(reader->read(buffer), 4);
  EXPECT_EQ(writable, 1);
}

TEST(BufferStream, MakesUpForACallThatCameBeforeTheCallbackWasSet) {
  BufferStream stream(4);
  auto reader = stream.reader();
  auto writer = stream.writer();
  EXPECT_EQ(read_text(*reader), "error " + std::to_string(EAGAIN));
  write_text(*writer, "ab");
  int readable = 0;
  reader->on_readable([&] { ++readable; });
  EXPECT_EQ(readable, 1);
}

TEST(BufferStream, EndsAfterTheLastByte) {
  BufferStream stream;
  auto reader = stream.reader();
  auto writer = stream.writer();
  int readable = 0;
  reader->on_readable([&] { ++readable; });
  write_text(*writer, "last");
  writer->close();
  writer->close();
  EXPECT_EQ(write_text(*writer, "more"), -EPIPE);
  EXPECT_EQ(read_text(*reader), "last");
  EXPECT_EQ(read_text(*reader), "");
  EXPECT_GE(readable, 1);
}

TEST(BufferStream, WakesAReaderThatWaitsForTheEnd) {
  BufferStream stream;
  auto reader = stream.reader();
  int readable = 0;
  reader->on_readable([&] { ++readable; });
  {
    auto writer = stream.writer();
    EXPECT_EQ(read_text(*reader), "error " + std::to_string(EAGAIN));
  }
  EXPECT_EQ(readable, 1) << "destroying the writer ends the stream";
}

TEST(BufferStream, TellsTheWriterThatNobodyReads) {
  BufferStream stream(2);
  auto reader = stream.reader();
  auto writer = stream.writer();
  int writable = 0;
  writer->on_writable([&] { ++writable; });
  write_text(*writer, "abc");
  reader->close();
  EXPECT_EQ(writable, 1);
  EXPECT_EQ(write_text(*writer, "d"), -EPIPE);
  EXPECT_EQ(read_text(*reader), "error " + std::to_string(ECANCELED));
}

TEST(BufferStream, EndsWhenTheOtherHalfWasNeverTaken) {
  std::unique_ptr<Reader> reader;
  {
    BufferStream stream;
    reader = stream.reader();
    EXPECT_THROW(stream.reader(), Error);
  }
  EXPECT_EQ(read_text(*reader), "");
}

TEST(BufferStream, ACallbackMayCloseAndReadItsOwnHalf) {
  BufferStream stream;
  auto reader = stream.reader();
  auto writer = stream.writer();
  std::string seen;
  reader->on_readable([&] {
    seen = read_text(*reader);
    reader->close();
  });
  EXPECT_EQ(read_text(*reader), "error " + std::to_string(EAGAIN));
  write_text(*writer, "x");
  EXPECT_EQ(seen, "x");
}

TEST(BufferStream, NoCallbackRunsAfterClose) {
  for (int round = 0; round < 200; ++round) {
    BufferStream stream;
    auto reader = stream.reader();
    auto writer = stream.writer();
    std::atomic<bool> closed{false};
    std::atomic<bool> late{false};
    reader->on_readable([&] { late = late || closed; });
    read_text(*reader);
    std::jthread other([&] { write_text(*writer, "x"); });
    reader->close();
    closed = true;
    other.join();
    EXPECT_FALSE(late);
  }
}

TEST(BufferStream, AReaderWithNeitherDescriptorNorCallbackIsRefused) {
  struct Bare : Reader {
    ssize_t read(std::span<std::byte>) override { return -EAGAIN; }
    void close() override {}
  } bare;
  EXPECT_THROW(bare.on_readable([] {}), Error);
}

// Both threads go by the callbacks alone: a lost one hangs the test.
TEST(BufferStream, CarriesMuchMoreThanItHoldsBetweenTwoThreads) {
  constexpr std::size_t total = 64 << 20;
  auto [near, far] = make_buffer_pair(64 << 10);
  std::counting_semaphore<> readable(0);
  std::counting_semaphore<> writable(0);
  far.reader->on_readable([&] { readable.release(); });
  near.writer->on_writable([&] { writable.release(); });

  std::jthread sender([&, &writer = *near.writer] {
    std::vector<std::uint32_t> block(25'000);
    std::size_t sent = 0;
    while (sent < total) {
      std::iota(block.begin(), block.end(), static_cast<std::uint32_t>(sent / 4));
      const std::size_t size = std::min(block.size() * 4, total - sent);
      for (std::size_t done = 0; done < size;) {
        const iovec part{reinterpret_cast<char*>(block.data()) + done, size - done};
        const ssize_t count = writer.write({&part, 1});
        if (count > 0) {
          done += static_cast<std::size_t>(count);
        } else {
          ASSERT_EQ(count, -EAGAIN);
          ASSERT_TRUE(writable.try_acquire_for(std::chrono::seconds(30)));
        }
      }
      sent += size;
    }
    writer.close();
  });

  std::vector<std::byte> buffer(40'000);
  std::size_t received = 0;
  std::uint64_t wrong = 0;
  while (true) {
    const ssize_t count = far.reader->read(buffer);
    if (count == 0) break;
    if (count < 0) {
      ASSERT_EQ(count, -EAGAIN);
      ASSERT_TRUE(readable.try_acquire_for(std::chrono::seconds(30)));
      continue;
    }
    for (ssize_t i = 0; i < count; ++i, ++received) {
      const auto number = static_cast<std::uint32_t>(received / 4);
      wrong += buffer[static_cast<std::size_t>(i)] != static_cast<std::byte>(number >> (8 * (received % 4)));
    }
  }
  EXPECT_EQ(received, total);
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace cohort
