// Rings in shared memory, and how two processes come to share them; also with a peer that keeps to no rule.

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/detail/sealed_memory.hpp>
#include <cohort/error.hpp>

#include "../io/pipe_pair.hpp"
#include "common/ring_offer.hpp"

namespace cohort::test {
namespace {

using namespace cohort_shm;

std::pair<FileDescriptor, FileDescriptor> sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    throw std::runtime_error("socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// One end of a connection, and the link of the other one, with which a test can do what it likes.
struct Connected {
  IoPair pair;
  std::shared_ptr<Link> peer;
};

Connected connect() {
  auto [near, far] = sockets();
  IoPair pair = offer_rings(std::move(near));
  return {std::move(pair), take_link(far, patience(), "test")};
}

/// What is made with the first connection and stays: a descriptor for pipes that were closed.
void make_what_stays() { connect(); }

ssize_t write(Writer& writer, std::span<const std::byte> bytes) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return writer.write({&part, 1});
}
ssize_t write(Writer& writer, std::string_view text) { return write(writer, std::as_bytes(std::span(text))); }

bool is_ready(int descriptor, short events, int milliseconds = 0) {
  pollfd polled{descriptor, events, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

std::string read(Reader& reader) {
  std::array<std::byte, 1000> buffer;
  const ssize_t count = reader.read(buffer);
  return count < 0 ? "error " + std::to_string(-count)
                   : std::string(reinterpret_cast<char*>(buffer.data()), static_cast<std::size_t>(count));
}

template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// Of the memory that both processes share.
std::size_t kibibytes_in_use(const Link& link) {
  auto* begin = reinterpret_cast<std::byte*>(std::min(link.in().state, link.out().state));
  std::vector<unsigned char> pages(link_bytes / 4096);
  if (::mincore(begin, link_bytes, pages.data()) != 0) throw std::runtime_error("mincore");
  return static_cast<std::size_t>(std::count_if(pages.begin(), pages.end(), [](auto page) { return page & 1; })) * 4;
}

void send_to_and_fro(const IoPair& one, const IoPair& other, std::size_t size) {
  const std::vector<std::byte> bytes(size);
  for (const auto& [from, to] : {std::pair(&one, &other), std::pair(&other, &one)}) {
    std::vector<std::byte> buffer(size);
    std::size_t sent = 0, received = 0;
    while (received < size) {
      if (sent < size) {
        const ssize_t count = write(*from->writer, std::span(bytes).subspan(sent));
        if (count > 0) sent += static_cast<std::size_t>(count);
      }
      const ssize_t count = to->reader->read(buffer);
      ASSERT_GT(count, 0);
      received += static_cast<std::size_t>(count);
    }
  }
}

TEST(Ring, AnIdleConnectionHasThreePages) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  for (int i = 0; i < 10'000; ++i) send_to_and_fro(ends.pair, other, 200);
  EXPECT_LE(kibibytes_in_use(*ends.peer), 12u);
  EXPECT_EQ(read(*other.reader), "error " + std::to_string(EAGAIN));
}

TEST(Ring, WhatALargeMessageNeededIsGivenBack) {
  auto [near, far] = sockets();
  auto offering = offer_rings(std::move(near));
  const auto link = take_link(far, patience(), "test");
  const IoPair gives_back = make_ring_pair(link, Duration::zero());
  send_to_and_fro(offering, gives_back, 8 << 20);
  EXPECT_GE(kibibytes_in_use(*link), 2048u);
  send_to_and_fro(offering, gives_back, 10);
  EXPECT_LE(kibibytes_in_use(*link), 4u + 1024 + 64);  // the other side keeps its own for a second
}

// The bell says all there is to know, also if it is looked at in between.
TEST(Ring, TheBellIsReadyWhileThereIsSomethingToRead) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  const int bell = other.reader->descriptor();
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(is_ready(bell, POLLIN));
    EXPECT_EQ(read(*other.reader), "error " + std::to_string(EAGAIN));
    ASSERT_EQ(write(*ends.pair.writer, "abc"), 3);
    EXPECT_TRUE(is_ready(bell, POLLIN));
    std::array<std::byte, 2> two;
    ASSERT_EQ(other.reader->read(two), 2);
    EXPECT_TRUE(is_ready(bell, POLLIN));
    ASSERT_EQ(write(*ends.pair.writer, "d"), 1);
    ASSERT_EQ(other.reader->read(two), 2);  // all there is, which the reader need not know
    EXPECT_EQ(read(*other.reader), "error " + std::to_string(EAGAIN));
  }
  ends.pair.writer->close();
  EXPECT_TRUE(is_ready(bell, POLLIN));
  EXPECT_EQ(read(*other.reader), "");
  EXPECT_TRUE(is_ready(bell, POLLIN)) << "the end must stay";
}

TEST(Ring, TheWriterIsReadyWhenHalfOfTheRingIsEmpty) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  const std::vector<std::byte> bytes(ring_capacity);
  const int bell = ends.pair.writer->descriptor();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(is_ready(bell, POLLOUT));
    ASSERT_EQ(write(*ends.pair.writer, bytes), static_cast<ssize_t>(bytes.size()));
    for (int again = 0; again < 3; ++again) {
      EXPECT_EQ(write(*ends.pair.writer, bytes), -EAGAIN);
      EXPECT_FALSE(is_ready(bell, POLLOUT));
    }
    std::vector<std::byte> buffer(ring_capacity / 2);
    ASSERT_EQ(other.reader->read(std::span(buffer).first(1000)), 1000);
    EXPECT_FALSE(is_ready(bell, POLLOUT));
    ASSERT_EQ(other.reader->read(buffer), static_cast<ssize_t>(buffer.size()));
    EXPECT_TRUE(is_ready(bell, POLLOUT));
    EXPECT_TRUE(is_ready(other.reader->descriptor(), POLLIN));
    while (other.reader->read(buffer) > 0) continue;
    EXPECT_FALSE(is_ready(other.reader->descriptor(), POLLIN));
  }
}

/// Has something happen between any two instructions of this thread, within 15 microseconds after each call of
/// soon(), as if it were another process that runs just then.
class Interruption {
 public:
  explicit Interruption(std::function<void()> body) {
    body_ = std::move(body);
    struct sigaction action {};
    action.sa_handler = [](int) { body_(); };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, &before_);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    ::timer_create(CLOCK_MONOTONIC, &event, &timer_);
  }
  ~Interruption() {
    ::timer_delete(timer_);
    ::sigaction(SIGALRM, &before_, nullptr);
    body_ = nullptr;
  }
  void soon() {
    const itimerspec once{{}, {0, static_cast<long>(1 + random_() % 15'000)}};
    ::timer_settime(timer_, 0, &once, nullptr);
  }

 private:
  static inline std::function<void()> body_;
  struct sigaction before_ {};
  timer_t timer_{};
  std::mt19937 random_{5};
};

/// As long as it lives, nothing interrupts.
class Uninterrupted {
 public:
  Uninterrupted() {
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarm, &before_);
  }
  ~Uninterrupted() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

TEST(Ring, NobodyWaitsForBytesThatAreThere) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  std::size_t written = 0, received = 0;
  const auto write_one = [&] { written += write(*ends.pair.writer, "x") == 1 ? 1 : 0; };
  Interruption interruption(write_one);
  for (int i = 0; i < 50'000; ++i) {
    {
      const Uninterrupted alone;
      write_one();
    }
    interruption.soon();
    std::array<std::byte, 100> buffer;
    for (int again = i % 4; again >= 0; --again) {  // also when it was said already that there is nothing
      const ssize_t count = other.reader->read(buffer);
      if (count > 0) received += static_cast<std::size_t>(count);
    }
    const Uninterrupted alone;
    ASSERT_TRUE(written == received || is_ready(other.reader->descriptor(), POLLIN)) << "after " << received;
  }
}

TEST(Ring, NobodyWaitsForRoomThatIsThere) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  const std::vector<std::byte> bytes(ring_capacity);
  std::vector<std::byte> buffer(ring_capacity);
  const auto read_all = [&] {
    while (other.reader->read(buffer) > 0) continue;
  };
  Interruption interruption(read_all);
  for (int i = 0; i < 500; ++i) {
    {
      const Uninterrupted alone;
      ASSERT_EQ(write(*ends.pair.writer, bytes), static_cast<ssize_t>(bytes.size()));
    }
    interruption.soon();
    const ssize_t count = write(*ends.pair.writer, std::span(bytes).first(1));
    const Uninterrupted alone;
    const bool is_empty = !is_ready(other.reader->descriptor(), POLLIN);
    ASSERT_TRUE(count != -EAGAIN || is_ready(ends.pair.writer->descriptor(), POLLOUT) == is_empty) << i;
    read_all();
    ASSERT_TRUE(is_ready(ends.pair.writer->descriptor(), POLLOUT));
  }
}

// A reader that spins takes no packet out of the bell, so it is ready until the reader has said that it waits.
TEST(Ring, AReaderThatSpinsIsCalledAgain) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  const int bell = other.reader->descriptor();
  std::array<std::byte, 100> buffer;
  bool spun = false;
  for (int i = 0; i < 1000 && !spun; ++i) {  // now and then it tries whether that pays
    ASSERT_EQ(write(*ends.pair.writer, "abc"), 3);
    ASSERT_EQ(other.reader->read(buffer), 3);
    spun = is_ready(bell, POLLIN);
    if (spun) {
      ASSERT_EQ(write(*ends.pair.writer, "d"), 1);
      ASSERT_EQ(other.reader->read(buffer), 1);
    }
    if (is_ready(bell, POLLIN)) {
      ASSERT_EQ(other.reader->read(buffer), -EAGAIN);
    }
    ASSERT_FALSE(is_ready(bell, POLLIN));
  }
  EXPECT_TRUE(spun || std::thread::hardware_concurrency() < 2);
}

// Two threads that fall asleep and wake each other all the time. Who is not woken waits for ever.
TEST(Ring, NoWakeIsLost) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  constexpr std::size_t total = 100 << 20;
  const std::vector<std::byte> bytes(3 * ring_capacity);
  auto written = std::async(std::launch::async, [&] {
    std::mt19937 random(1);
    for (std::size_t sent = 0; sent < total;) {
      const std::size_t size = std::size_t{1} << random() % 22;
      const ssize_t count = write(*ends.pair.writer, std::span(bytes).first(std::min(size, total - sent)));
      if (count > 0)
        sent += static_cast<std::size_t>(count);
      else if (count != -EAGAIN || !is_ready(ends.pair.writer->descriptor(), POLLOUT, 30'000))
        return "not woken after " + std::to_string(sent) + " bytes: " + std::to_string(count);
    }
    return std::string();
  });
  std::mt19937 random(2);
  std::vector<std::byte> buffer(1 << 21);
  for (std::size_t received = 0; received < total;) {
    const ssize_t count = other.reader->read(std::span(buffer).first(std::size_t{1} << random() % 22));
    if (count > 0)
      received += static_cast<std::size_t>(count);
    else
      ASSERT_TRUE(count == -EAGAIN && is_ready(other.reader->descriptor(), POLLIN, 30'000))
          << count << " after " << received << " bytes";
  }
  EXPECT_EQ(written.get(), "");
}

/// Runs in a child of fork(). @return its exit code.
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Ring, AWriterThatIsKilledLeavesWhatItWroteAndThenTheEnd) {
  auto [near, far] = sockets();
  const pid_t child = ::fork();
  if (child == 0) {
    near.reset();
    const IoPair pair = take_rings(std::move(far), patience(), "test");
    std::vector<std::byte> bytes(100'003);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
    for (std::size_t begin = 0;;) {
      const ssize_t count = write(*pair.writer, std::span(bytes).subspan(begin));
      if (count > 0) begin = (begin + static_cast<std::size_t>(count)) % bytes.size();
      if (count < 0) is_ready(pair.writer->descriptor(), POLLOUT, -1);
    }
  }
  far.reset();
  const IoPair pair = offer_rings(std::move(near));
  std::vector<std::byte> buffer(64 << 10);
  std::size_t received = 0;
  ssize_t count = 0;
  while (true) {
    count = pair.reader->read(buffer);
    if (count == -EAGAIN) {
      ASSERT_TRUE(is_ready(pair.reader->descriptor(), POLLIN, 30'000));
      continue;
    }
    if (count <= 0) break;
    for (ssize_t i = 0; i < count; ++i, ++received)
      ASSERT_EQ(buffer[static_cast<std::size_t>(i)], static_cast<std::byte>(received % 100'003 % 251)) << received;
    if (received > 5 << 20 && received < 6 << 20) ::kill(child, SIGKILL);
  }
  EXPECT_EQ(count, 0);
  EXPECT_TRUE(is_ready(pair.reader->descriptor(), POLLIN)) << "the end must stay";
  while (write(*pair.writer, buffer) > 0) continue;
  EXPECT_EQ(write(*pair.writer, buffer), -EPIPE);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

// --- A peer that keeps to no rule. ---

constexpr const char* broke_the_rules = "the process at the other end broke the rules of the ring that it shares with";

TEST(HostileRing, MoreBytesThanFitIn) {
  for (const std::uint64_t bad : {ring_capacity + 1, std::size_t{0} - 1, std::size_t{1} << 63}) {
    Connected ends = connect();
    ends.peer->out().state->written = bad;
    std::array<std::byte, 100> buffer;
    EXPECT_EQ(message_of([&] { ends.pair.reader->read(buffer); }).find(broke_the_rules), 0u);
  }
}

TEST(HostileRing, MoreBytesReadThanWritten) {
  for (const std::uint64_t bad : {std::size_t{11}, std::size_t{0} - ring_capacity, std::size_t{1} << 63}) {
    Connected ends = connect();
    ASSERT_EQ(write(*ends.pair.writer, "ten bytes."), 10);
    ends.peer->in().state->read = bad;
    const std::vector<std::byte> bytes(2 * ring_capacity);
    EXPECT_EQ(message_of([&] {
                while (write(*ends.pair.writer, bytes) > 0) continue;
              }).find(broke_the_rules),
              0u);
  }
}

// Whatever it writes, and whenever: each call ends, by bytes, by a number, or by that error.
TEST(HostileRing, GarbageEverywhere) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    Connected ends = connect();
    std::vector<std::byte> buffer(300'000);
    for (int step = 0; step < 20; ++step) {
      for (const Ring& ring : {ends.peer->in(), ends.peer->out()}) {
        std::array<std::uint64_t, sizeof(RingState) / 8> words;
        for (auto& word : words) word = random() % 3 == 0 ? random() : random() % (2 * ring_capacity);
        if (random() % 2 == 0) std::memcpy(static_cast<void*>(ring.state), words.data(), sizeof words);
        if (random() % 2 == 0) ring.state->written = random() % ring_capacity;
        if (random() % 2 == 0) ring.state->read = random() % ring_capacity;
        ring.state->writer_closed = ring.state->reader_closed = random() % 8 == 0;
      }
      for (auto packets = random() % 4; packets > 0; --packets) {
        char one = 1;
        [[maybe_unused]] ssize_t n = ::write(ends.peer->bell_out(), &one, 1);
        n = ::read(ends.peer->bell_in(), &one, 1);
      }
      for (const bool reading : {true, false}) {
        const std::string error = message_of([&] {
          const auto some = std::span(buffer).first(1 + random() % buffer.size());
          const ssize_t count = reading ? ends.pair.reader->read(some) : write(*ends.pair.writer, some);
          EXPECT_LE(count, static_cast<ssize_t>(some.size()));
          EXPECT_TRUE(count >= 0 || count == -EAGAIN || count == -EPIPE) << count;
        });
        EXPECT_TRUE(error == "no error" || error.find(broke_the_rules) == 0) << error;
      }
    }
  }
}

TEST(HostileRing, NeverBlocksWhateverThePeerDoesToItsEndsOfTheBells) {
  Connected ends = connect();
  for (const int bell : {ends.peer->bell_in(), ends.peer->bell_out()}) ASSERT_EQ(::fcntl(bell, F_SETFL, 0), 0);
  char one = 1;
  ASSERT_EQ(::write(ends.peer->bell_out(), &one, 1), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read(*ends.pair.reader), "error " + std::to_string(EAGAIN));
  const std::vector<std::byte> bytes(ring_capacity);
  for (int i = 0; i < 3; ++i) write(*ends.pair.writer, bytes);
  EXPECT_EQ(write(*ends.pair.writer, bytes), -EAGAIN);
}

TEST(HostileRing, NobodyCanMakeTheMemoryShorter) {
  const FileDescriptor memory = detail::make_sealed_memory("test", 8192, false);
  EXPECT_EQ(detail::wrong_sealed_memory(memory.get(), 8192), "");
  EXPECT_NE(::ftruncate(memory.get(), 4096), 0);
  EXPECT_NE(::ftruncate(memory.get(), 16384), 0);
  EXPECT_NE(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

void send_offer(int socket, std::string_view magic, std::uint64_t bytes, const std::vector<int>& descriptors) {
  std::string text(magic);
  text.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, 200> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ASSERT_EQ(::sendmsg(socket, &message, 0), static_cast<ssize_t>(text.size()));
}

TEST(HostileRing, OffersThatCannotBeUsedAreErrors) {
  make_what_stays();
  constexpr std::string_view right("cohring\1", 8);
  const FileDescriptor good = detail::make_sealed_memory("test", link_bytes, false);
  const FileDescriptor small = detail::make_sealed_memory("test", link_bytes - 1, false);
  const FileDescriptor unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), static_cast<off_t>(link_bytes)), 0);
  const PipePair pipe;
  const int in = pipe.read.get(), out = pipe.write.get();
  const std::size_t before = descriptors();
  const auto answer_to = [&](std::string_view magic, std::uint64_t bytes, const std::vector<int>& handed_over) {
    auto [near, far] = sockets();
    send_offer(near.get(), magic, bytes, handed_over);
    return message_of([&] { take_rings(std::move(far), patience(), "test"); });
  };
  EXPECT_EQ(answer_to(right, link_bytes, {good.get(), in, out}), "no error");
  EXPECT_NE(answer_to(right, link_bytes, {unsealed.get(), in, out}).find("its size could change"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {small.get(), in, out}).find("it has "), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {out, in, good.get()}).find("it is not a memory"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {good.get(), good.get(), out}).find("is no pipe"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {good.get()}).find("no descriptors left"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {}).find("no descriptors left"), std::string::npos);
  EXPECT_NE(answer_to(right, 5, {good.get(), in, out}).find("another version of cohort"), std::string::npos);
  EXPECT_NE(answer_to("GET / HT", link_bytes, {good.get(), in, out, in, out, in, out}).find("another version"),
            std::string::npos);
  auto [near, far] = sockets();
  EXPECT_THROW(take_rings(std::move(far), Clock::now() + 10ms, "test"), TimeoutError);
  auto [gone, left] = sockets();
  gone.reset();
  EXPECT_NE(message_of([&] { take_rings(std::move(left), patience(), "test"); }).find("it closed the connection"),
            std::string::npos);
  near.reset();
  EXPECT_EQ(descriptors(), before);
}

// --- Where there is no memory. ---

/// 0 if two ends talk by their socket, and nothing is left; else where it failed.
int talk_by_socket() {
  auto [near, far] = sockets();
  const std::size_t before = descriptors();
  {
    const IoPair offering = offer_rings(std::move(near));
    if (::getsockopt(offering.reader->descriptor(), SOL_SOCKET, SO_TYPE, nullptr, nullptr) != 0 && errno == ENOTSOCK)
      return 1;
    const IoPair taking = take_rings(std::move(far), patience(), "test");
    if (write(*offering.writer, "question") != 8 || read(*taking.reader) != "question") return 2;
    if (write(*taking.writer, "answer") != 6 || read(*offering.reader) != "answer") return 3;
  }
  return descriptors() == before - 2 ? 0 : 4;
}

int limit(int what, rlim_t value) {
  const rlimit limit{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &limit);
}

TEST(Ring, TheSocketIsUsedWhereFilesMayNotBeSoLarge) {
  make_what_stays();
  EXPECT_EQ(in_child([] { return limit(RLIMIT_FSIZE, link_bytes - 1) != 0 ? 10 : talk_by_socket(); }), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need much address space
std::size_t mapped_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

TEST(Ring, TheSocketIsUsedWhereThereIsNoRoomToMapIt) {
  make_what_stays();
  EXPECT_EQ(in_child([] { return limit(RLIMIT_AS, mapped_bytes() + link_bytes - 4096) != 0 ? 10 : talk_by_socket(); }),
            0);
}

TEST(Ring, ADiallerWithoutRoomToMapItGetsAnError) {
  auto [near, far] = sockets();
  const IoPair offering = offer_rings(std::move(near));
  EXPECT_EQ(in_child([&] {
              const std::size_t before = descriptors();
              if (limit(RLIMIT_AS, mapped_bytes() + link_bytes - 4096) != 0) return 10;
              const auto error = message_of([&] { take_rings(std::move(far), patience(), "cannot connect to x"); });
              if (error.find("cannot connect to x: cannot map a memory of ") != 0) return 1;
              return descriptors() == before - 1 ? 0 : 2;
            }),
            0);
}
#endif

TEST(Ring, TheSocketIsUsedWhereNoDescriptorsAreLeft) {
  make_what_stays();
  EXPECT_EQ(in_child([] {
              auto [near, far] = sockets();
              const int next = ::dup(far.get());
              ::close(next);
              rlimit before{};
              ::getrlimit(RLIMIT_NOFILE, &before);
              const rlimit none{static_cast<rlim_t>(next + 2), before.rlim_max};
              if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 10;
              const IoPair offering = offer_rings(std::move(near));
              ::setrlimit(RLIMIT_NOFILE, &before);
              const IoPair taking = take_rings(std::move(far), patience(), "test");
              return write(*offering.writer, "x") == 1 && read(*taking.reader) == "x" ? 0 : 1;
            }),
            0);
}

TEST(Ring, TheSocketIsUsedWhereNoSuchMemoryCanBeMade) {
  make_what_stays();
  EXPECT_EQ(in_child([] {
              sock_filter instructions[] = {
                  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the system call
                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
              };
              const sock_fprog program{std::size(instructions), instructions};
              if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
                return 10;
              return talk_by_socket();
            }),
            0);
}

}  // namespace
}  // namespace cohort::test
