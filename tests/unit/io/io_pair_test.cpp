#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

#include <cohort/io_pair.hpp>

#include "../../../contract/include/cohort/contract/eventually.hpp"
#include "pipe_pair.hpp"

namespace cohort::test {
namespace {

struct SocketEnds {
  IoPair ours;
  FileDescriptor peer;
};

SocketEnds socket_ends() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  return {make_socket_pair(ends[0]), FileDescriptor(ends[1])};
}

struct PipeEnds {
  IoPair ours;
  FileDescriptor to_reader;
  FileDescriptor from_writer;
};

PipeEnds pipe_ends() {
  PipePair in;
  PipePair out;
  return {make_descriptor_pair(in.read.release(), out.write.release()), std::move(in.write), std::move(out.read)};
}

ssize_t write_text(Writer& writer, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return writer.write({&part, 1});
}

std::string read_text(Reader& reader) {
  char buffer[100];
  const ssize_t count = reader.read(std::as_writable_bytes(std::span(buffer)));
  return count < 0 ? "error " + std::to_string(-count) : std::string(buffer, static_cast<std::size_t>(count));
}

const std::string not_now = "error " + std::to_string(EAGAIN);

TEST(SocketPair, MovesBytesWithoutBlocking) {
  auto [ours, peer] = socket_ends();
  EXPECT_EQ(ours.reader->descriptor(), ours.writer->descriptor());
  EXPECT_TRUE(::fcntl(ours.reader->descriptor(), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(ours.reader->descriptor(), F_GETFD) & FD_CLOEXEC);
  EXPECT_EQ(read_text(*ours.reader), not_now);
  write_all(peer.get(), "hello");
  EXPECT_EQ(read_text(*ours.reader), "hello");
  const std::string block(1 << 20, 'x');
  ssize_t count = 0;
  for (int writes = 0; writes < 100 && count >= 0; ++writes) count = write_text(*ours.writer, block);
  EXPECT_EQ(count, -EAGAIN);
}

TEST(SocketPair, ClosingTheWriterEndsOnlyThatDirection) {
  auto [ours, peer] = socket_ends();
  EXPECT_EQ(write_text(*ours.writer, "bye"), 3);
  ours.writer->close();
  ours.writer->close();
  EXPECT_EQ(read_to_end(peer.get()), "bye");
  EXPECT_EQ(write_text(*ours.writer, "more"), -EPIPE);
  write_all(peer.get(), "answer");
  EXPECT_EQ(read_text(*ours.reader), "answer");
}

TEST(SocketPair, AGoneReaderIsAnErrorNotASignal) {
  auto [ours, peer] = socket_ends();
  peer.reset();
  EXPECT_EQ(write_text(*ours.writer, "x"), -EPIPE);
  EXPECT_EQ(read_text(*ours.reader), "");
}

TEST(SocketPair, AClosedReaderHandsOutNothing) {
  auto [ours, peer] = socket_ends();
  write_all(peer.get(), "unread");
  ours.reader->close();
  EXPECT_EQ(read_text(*ours.reader), "");
}

TEST(SocketPair, TheDescriptorIsClosedWithTheSecondHalf) {
  auto [ours, peer] = socket_ends();
  const int descriptor = ours.reader->descriptor();
  ours.reader.reset();
  EXPECT_GE(::fcntl(descriptor, F_GETFD), 0);
  ours.writer.reset();
  EXPECT_LT(::fcntl(descriptor, F_GETFD), 0);
}

TEST(SocketPair, MayBeClosedWhileAnotherThreadReads) {
  auto [ours, peer] = socket_ends();
  std::jthread reading([&reader = *ours.reader] {
    pollfd ready{reader.descriptor(), POLLIN, 0};
    while (read_text(reader) == not_now) ASSERT_GT(::poll(&ready, 1, 30'000), 0);
  });
  ours.reader->close();
  reading.join();
}

TEST(DescriptorPair, MovesBytesWithoutBlocking) {
  auto [ours, to_reader, from_writer] = pipe_ends();
  EXPECT_EQ(read_text(*ours.reader), not_now);
  write_all(to_reader.get(), "hello");
  EXPECT_EQ(read_text(*ours.reader), "hello");
  const std::string block(1 << 20, 'x');
  EXPECT_LT(write_text(*ours.writer, block), 1 << 20);
  EXPECT_EQ(write_text(*ours.writer, block), -EAGAIN);
}

TEST(DescriptorPair, ClosingTheWriterIsTheEndForThePeerWhileTheNumberStaysTaken) {
  auto [ours, to_reader, from_writer] = pipe_ends();
  const int descriptor = ours.writer->descriptor();
  write_text(*ours.writer, "bye");
  ours.writer->close();
  EXPECT_EQ(read_to_end(from_writer.get()), "bye");
  EXPECT_GE(::fcntl(descriptor, F_GETFD), 0) << "nobody else may get the number while the pair is there";
  EXPECT_EQ(write_text(*ours.writer, "more"), -EPIPE);
  ours.writer.reset();
  EXPECT_LT(::fcntl(descriptor, F_GETFD), 0);
}

TEST(DescriptorPair, AGoneReaderIsAnErrorNotASignal) {
  auto [ours, to_reader, from_writer] = pipe_ends();
  from_writer.reset();
  EXPECT_EQ(write_text(*ours.writer, "x"), -EPIPE);
  EXPECT_EQ(write_text(*ours.writer, "x"), -EPIPE);
  to_reader.reset();
  EXPECT_EQ(read_text(*ours.reader), "");
}

TEST(DescriptorPair, MayBeClosedWhileAnotherThreadReads) {
  auto [ours, to_reader, from_writer] = pipe_ends();
  write_all(to_reader.get(), "some");
  std::atomic<bool> running{false};
  std::jthread reading([&, &reader = *ours.reader] {
    std::string last;
    do {
      last = read_text(reader);
      running = true;
    } while (!last.empty());
  });
  EXPECT_TRUE(contract::eventually([&] { return running.load(); }));
  ours.reader->close();
  reading.join();
}

}  // namespace
}  // namespace cohort::test
