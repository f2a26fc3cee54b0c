// Rings in shared memory; also with a peer that keeps to no rule.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cpus.hpp>

#include "ring_ends.hpp"

namespace cohort::test {
namespace {

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

// As above, with more than is read at once, and with a packet too many in the bell: that of a writer that stood still
// before it rang.
TEST(Ring, TheBellRingsForWhatIsLeftWheneverTheReaderIsInterrupted) {
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  const std::vector<std::byte> bytes(2 * ring_capacity);
  std::vector<std::byte> buffer(ring_capacity);
  std::size_t written = 0, received = 0, size = 0;
  const auto write_some = [&] {
    const ssize_t count = write(*ends.pair.writer, std::span(bytes).first(size));
    if (count > 0) written += static_cast<std::size_t>(count);
    if (count > 0) static_cast<void>(write(*ends.pair.writer, std::span(bytes).first(size == 300 ? 0 : 1)));
  };
  Interruption interruption(write_some);
  for (int i = 0; i < 20'000; ++i) {
    size = i % 8 == 0 ? bytes.size() : 300;
    if (i % 3 == 0) {
      const char one = 1;
      static_cast<void>(::write(ends.pair.writer->descriptor(), &one, 1) + 1);
    }
    interruption.soon();
    for (int again = i % 4; again >= 0; --again) {
      const ssize_t count = other.reader->read(std::span(buffer).first(size == 300 ? 100 : ring_capacity / 4));
      if (count > 0) received += static_cast<std::size_t>(count);
      const Uninterrupted alone;
      ASSERT_TRUE(written == received || is_ready(other.reader->descriptor(), POLLIN))
          << "after " << received << " in round " << i;
    }
    const Uninterrupted alone;
    while (other.reader->read(buffer) > 0) continue;
    received = written;
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
  EXPECT_TRUE(spun || usable_cpus() < 2);
}

TEST(Ring, AReaderWithOneProcessorDoesNotSpin) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  Connected ends = connect();
  const IoPair other = make_ring_pair(ends.peer);
  ::sched_setaffinity(0, sizeof before, &before);
  std::array<std::byte, 100> buffer;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(write(*ends.pair.writer, "abc"), 3);
    ASSERT_EQ(other.reader->read(buffer), 3);
    ASSERT_FALSE(is_ready(other.reader->descriptor(), POLLIN));
  }
}

// Each would wait while the other one spins.
TEST(Ring, ReadersThatTakeTurnsDoNotSpin) {
  Connected one = connect(), two = connect();
  const IoPair others[] = {make_ring_pair(one.peer), make_ring_pair(two.peer)};
  const IoPair* near[] = {&one.pair, &two.pair};
  std::array<std::byte, 100> buffer;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(write(*near[i % 2]->writer, "abc"), 3);
    ASSERT_EQ(others[i % 2].reader->read(buffer), 3);
    ASSERT_FALSE(is_ready(others[i % 2].reader->descriptor(), POLLIN)) << i;
  }
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
      if (count == -EPIPE || (count < 0 && !is_ready(pair.writer->descriptor(), POLLOUT, 30'000))) ::_exit(1);
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

}  // namespace
}  // namespace cohort::test
