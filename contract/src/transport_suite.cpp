#include <cohort/contract/transport_suite.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <iostream>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <cohort/contract/eventually.hpp>
#include <cohort/error.hpp>

#include "processes.hpp"

namespace cohort::contract {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_held = 64 << 20;  // more than any connection may hold that nobody reads

// The same block again and again; its length is odd, so that bytes in the wrong place are seen.
class Pattern {
 public:
  explicit Pattern(unsigned seed) : block_(1'048'573) {
    std::mt19937 random(seed);
    for (auto& byte : block_) byte = static_cast<std::byte>(random());
  }

  /// What stands at `offset`, up to the end of the block.
  std::span<const std::byte> at(std::size_t offset) const { return std::span(block_).subspan(offset % block_.size()); }

  bool matches(std::span<const std::byte> bytes, std::size_t offset) const {
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(bytes.size(), at(offset).size()));
      if (!std::equal(part.begin(), part.end(), at(offset).begin())) return false;
      bytes = bytes.subspan(part.size());
      offset += part.size();
    }
    return true;
  }

 private:
  std::vector<std::byte> block_;
};

std::string send_pattern(StreamEnd& end, const Pattern& pattern, std::size_t size) {
  for (std::size_t sent = 0; sent < size;) {
    const auto part = pattern.at(sent).first(std::min(pattern.at(sent).size(), size - sent));
    if (const ssize_t error = end.write_all(part); error < 0)
      return "write failed with " + std::to_string(error) + " after some " + std::to_string(sent) + " bytes";
    sent += part.size();
  }
  return "";
}

std::string receive_pattern(StreamEnd& end, const Pattern& pattern, std::size_t size, std::size_t at_once = 64 << 10) {
  std::vector<std::byte> buffer(at_once);
  for (std::size_t received = 0; received < size;) {
    const ssize_t count = end.read_some(std::span(buffer).first(std::min(buffer.size(), size - received)));
    const std::string where = " after " + std::to_string(received) + " bytes";
    if (count <= 0) return "read said " + std::to_string(count) + where;
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(count));
    if (!pattern.matches(bytes, received)) return "wrong bytes" + where;
    received += bytes.size();
  }
  return "";
}

ssize_t write_once(StreamEnd& end, std::span<const std::byte> bytes) {
  const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return end.writer().write({&part, 1});
}

// What comes of writing on and on to a peer that is gone.
::testing::AssertionResult writing_fails(StreamEnd& end) {
  const std::vector<std::byte> bytes(64 << 10);
  ssize_t result = 0;
  for (const auto deadline = deadline_after(patience); result == 0 && Clock::now() < deadline;)
    result = end.write_all(bytes);
  if (result == -EPIPE || result == -ECONNRESET) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "write said " << result;
}

// Ends a process at the latest when the test does.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  ~Child() { kill(); }
  /// Whether it ended by itself.
  bool has_ended() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

 private:
  pid_t pid_;
};

template <class Work>
auto on_a_thread(Work work) {
  return std::async(std::launch::async, std::move(work));
}

}  // namespace

std::string test_name(const TransportUnderTest& transport) { return transport.name; }

void TransportContract::SetUp() {
  const auto& options = GetParam().make_options;
  transport_ = load_transport(GetParam().plugin, options ? options() : GetParam().options);
  if (!GetParam().secret.empty()) transport_->set_secret(std::as_bytes(std::span(GetParam().secret)));
  if (!GetParam().optional) return;
  try {
    listen();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
}

std::unique_ptr<StreamEnd> TransportContract::accept_one(Listener& listener, const std::function<bool()>& given_up) {
  const auto deadline = deadline_after(patience);
  Readiness acceptable(listener.descriptor(), POLLIN,
                       [&](std::function<void()> ready) { listener.on_acceptable(std::move(ready)); });
  while (true) {
    acceptable.reset();
    if (auto pair = listener.accept()) return std::make_unique<StreamEnd>(std::move(*pair));
    const auto look_up = given_up ? std::min(deadline, deadline_after(100ms)) : deadline;
    if (acceptable.wait(look_up)) continue;
    if (Clock::now() >= deadline || (given_up && given_up())) throw std::runtime_error("nobody connected");
  }
}

TransportContract::Connected TransportContract::connect_to(Listener& listener) {
  auto near = on_a_thread(
      [&] { return std::make_unique<StreamEnd>(transport_->connect(listener.address(), deadline_after(patience))); });
  auto far = accept_one(listener);
  return {near.get(), std::move(far)};
}

TransportContract::Connected TransportContract::connect() {
  listener_ = listen();
  return connect_to(*listener_);
}

// --- Listening and dialling. ---

TEST_P(TransportContract, AnAddressIsOneLineOfPrintableText) {
  const auto listener = listen();
  const std::string address = listener->address();
  EXPECT_FALSE(address.empty());
  EXPECT_TRUE(std::all_of(address.begin(), address.end(), [](char c) { return c > ' ' && c < '\x7f'; })) << address;
}

TEST_P(TransportContract, AcceptDoesNotWait) {
  const auto listener = listen();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(listener->accept());
}

TEST_P(TransportContract, EachListenerHasItsOwnConnections) {
  const auto first = listen();
  const auto second = listen();
  ASSERT_NE(first->address(), second->address());
  const Connected to_first = connect_to(*first);
  const Connected to_second = connect_to(*second);
  EXPECT_FALSE(first->accept());
  EXPECT_FALSE(second->accept());
  ASSERT_EQ(to_first.near->write_all("first"), 0);
  ASSERT_EQ(to_second.near->write_all("second"), 0);
  EXPECT_EQ(to_first.far->receive(5), "first");
  EXPECT_EQ(to_second.far->receive(6), "second");
}

TEST_P(TransportContract, TwelveConnectAtOnce) {
  constexpr int count = 12;
  const auto listener = listen();
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < count; ++i) {
    answers.push_back(on_a_thread([&, mine = std::string(5, static_cast<char>('a' + i))] {
      StreamEnd end(transport_->connect(listener->address(), deadline_after(patience)));
      return end.write_all(mine) == 0 && end.receive(5) == mine ? std::string("right") : std::string("wrong");
    }));
  }
  std::vector<std::unique_ptr<StreamEnd>> accepted;
  for (int i = 0; i < count; ++i) accepted.push_back(accept_one(*listener));
  for (const auto& end : accepted) EXPECT_EQ(end->write_all(end->receive(5)), 0);
  for (auto& answer : answers) EXPECT_EQ(answer.get(), "right");
}

TEST_P(TransportContract, NobodyListensIsAnErrorWithAddressAndCause) {
  const std::string address = listen()->address();
  try {
    transport_->connect(address, deadline_after(patience));
    ADD_FAILURE() << "connected to nobody at " << address;
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::size_t at = text.find(address);
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_GT(text.size(), at + address.size() + 4) << "no cause: " << text;
    EXPECT_EQ(error.kind(), ErrorKind::disconnected) << text;
  }
}

TEST_P(TransportContract, ABadAddressIsAnError) {
  for (const std::string& bad : {std::string(), std::string("?"), std::string("\n"), std::string(":::::"),
                                 std::string("no such:thing at all"), std::string(5000, 'x'), std::string("a\0b", 3)}) {
    EXPECT_THROW(transport_->connect(bad, deadline_after(patience)), Error) << bad.substr(0, 50);
  }
}

TEST_P(TransportContract, DiallingEndsByTheDeadlineWhenNobodyAccepts) {
  const auto listener = listen();
  try {
    transport_->connect(listener->address(), Clock::now() + 200ms);  // some connect all the same
  } catch (const TimeoutError& error) {
    EXPECT_NE(std::string(error.what()).find(listener->address()), std::string::npos) << error.what();
  }
}

TEST_P(TransportContract, AListenerThatGoesEndsWhatItDidNotAccept) {
  auto listener = listen();
  auto ended = on_a_thread([&, address = listener->address()] {
    try {
      StreamEnd end(transport_->connect(address, deadline_after(patience)));
      return end.ends();
    } catch (const TimeoutError&) {
      return false;
    } catch (const Error&) {
      return true;
    }
  });
  Readiness acceptable(listener->descriptor(), POLLIN,
                       [&](std::function<void()> ready) { listener->on_acceptable(std::move(ready)); });
  EXPECT_TRUE(acceptable.wait(deadline_after(patience)));
  listener.reset();
  EXPECT_TRUE(ended.get());
}

TEST_P(TransportContract, ConnectionsOutliveTheirListenerAndTheirTransport) {
  const Connected ends = connect();
  listener_.reset();
  transport_.reset();
  ASSERT_EQ(ends.near->write_all("still"), 0);
  EXPECT_EQ(ends.far->receive(5), "still");
}

// --- Bytes. ---

TEST_P(TransportContract, NothingThereIsEagain) {
  const Connected ends = connect();
  std::byte one;
  EXPECT_EQ(ends.near->reader().read({&one, 1}), -EAGAIN);
  EXPECT_EQ(ends.far->reader().read({&one, 1}), -EAGAIN);
}

TEST_P(TransportContract, BytesArriveWhateverTheyAreSplitInto) {
  const Connected ends = connect();
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  const std::string_view view = all;
  for (std::size_t split = 0; split <= all.size(); ++split) {
    ASSERT_EQ(ends.near->write_all(view.substr(0, split)), 0);
    ASSERT_EQ(ends.far->receive(split / 2), view.substr(0, split / 2));
    ASSERT_EQ(ends.near->write_all(view.substr(split)), 0);
    ASSERT_EQ(ends.far->receive(all.size() - split / 2), view.substr(split / 2)) << "split at " << split;
  }
}

TEST_P(TransportContract, PartsAreSentInOrder) {
  const Connected ends = connect();
  std::vector<std::string> texts(2000);  // more than one system call takes
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = std::string(i % 7, static_cast<char>('a' + i % 26));  // some are empty
    all += texts[i];
  }
  std::vector<iovec> parts;
  for (auto& text : texts) parts.push_back({text.data(), text.size()});
  auto sent = on_a_thread([&] {
    const ssize_t taken = ends.near->writer().write(parts);
    return taken <= 0 ? taken : ends.near->write_all(std::string_view(all).substr(static_cast<std::size_t>(taken)));
  });
  EXPECT_EQ(ends.far->receive(all.size()), all);
  EXPECT_EQ(sent.get(), 0);
}

// The reader makes room, little by little, while the writer is in the middle of a part.
TEST_P(TransportContract, APartThatWasCutOffGoesOn) {
  constexpr std::size_t size = 6 << 20, part = 16'381;
  const Connected ends = connect();
  const Pattern pattern(5);
  auto sent = on_a_thread([&]() -> std::string {
    for (std::size_t done = 0; done < size;) {
      std::vector<iovec> parts;
      for (std::size_t at = done; at < size && parts.size() < 64; at += parts.back().iov_len) {
        const auto bytes = pattern.at(at).first(std::min({part, pattern.at(at).size(), size - at}));
        parts.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
      }
      ends.near->reset_writable();
      const ssize_t count = ends.near->writer().write(parts);
      if (count > 0)
        done += static_cast<std::size_t>(count);
      else if (count != -EAGAIN || !ends.near->wait_writable())
        return "write said " + std::to_string(count) + " after " + std::to_string(done) + " bytes";
    }
    return "";
  });
  EXPECT_EQ(receive_pattern(*ends.far, pattern, size, 100), "");
  if (HasFailure()) ends.far->reader().close();
  EXPECT_EQ(sent.get(), "");
}

TEST_P(TransportContract, AReaderThatWaitsIsToldOfEachPiece) {
  const Connected ends = connect();
  std::atomic<int> received{0};
  auto reading = on_a_thread([&] {
    std::byte one;
    while (ends.far->read_some({&one, 1}) == 1) ++received;
  });
  for (int i = 1; i <= 300; ++i) {
    ASSERT_EQ(ends.near->write_all("x"), 0);
    ASSERT_TRUE(eventually([&] { return received == i; })) << "piece " << i;
  }
  ends.near->writer().close();
}

// A buffer that was filled to its end may leave bytes behind it, in the transport, which no poll of a socket shows.
TEST_P(TransportContract, ReadinessLastsUntilAllIsRead) {
  const Connected ends = connect();
  if (ends.far->reader().descriptor() < 0) GTEST_SKIP() << "tells once, after -EAGAIN";
  const Pattern pattern(3);
  constexpr std::size_t size = 60'000;  // so that more is left of TLS's last record than a read takes
  ASSERT_EQ(ends.near->write_all(pattern.at(0).first(size)), 0);
  std::vector<std::byte> buffer(1000);
  Readiness readable(ends.far->reader().descriptor(), POLLIN, nullptr);
  for (std::size_t received = 0; received < size;) {
    ASSERT_TRUE(readable.wait(deadline_after(patience))) << "after " << received << " bytes";
    const ssize_t count = ends.far->reader().read(buffer);
    if (count == -EAGAIN) continue;
    ASSERT_GT(count, 0);
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(count));
    ASSERT_TRUE(pattern.matches(bytes, received));
    received += bytes.size();
  }
}

TEST_P(TransportContract, SixtyFourMebibytesGoBothWaysAtOnce) {
  constexpr std::size_t size = 64 << 20;
  const Connected ends = connect();
  const Pattern there(1);
  const Pattern back(2);
  auto near_sends = on_a_thread([&] { return send_pattern(*ends.near, there, size); });
  auto far_sends = on_a_thread([&] { return send_pattern(*ends.far, back, size); });
  auto near_receives = on_a_thread([&] { return receive_pattern(*ends.near, back, size); });
  auto far_receives = on_a_thread([&] { return receive_pattern(*ends.far, there, size); });
  for (auto* result : {&near_sends, &far_sends, &near_receives, &far_receives}) EXPECT_EQ(result->get(), "");
}

TEST_P(TransportContract, AReaderThatDoesNotReadHoldsTheWriterUp) {
  const Connected ends = connect();
  const Pattern pattern(4);
  std::size_t sent = 0;
  ssize_t count = 0;
  while (count >= 0 && sent < most_held) {
    ends.near->reset_writable();
    count = write_once(*ends.near, pattern.at(sent).first(std::min<std::size_t>(pattern.at(sent).size(), 100'000)));
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  ASSERT_EQ(count, -EAGAIN) << "after " << sent << " bytes";
  auto told = on_a_thread([&] { return ends.near->wait_writable(); });
  EXPECT_EQ(receive_pattern(*ends.far, pattern, sent), "");
  EXPECT_TRUE(told.get()) << "the writer was not told that there is room again";
  EXPECT_EQ(ends.near->write_all(pattern.at(sent).first(1)), 0);
  EXPECT_EQ(ends.far->receive(1)[0], static_cast<char>(pattern.at(sent)[0]));
}

// --- Ends. ---

TEST_P(TransportContract, AHalfCanBeClosedByItself) {
  const Connected ends = connect();
  ASSERT_EQ(ends.near->write_all("question"), 0);
  ends.near->writer().close();
  ends.near->writer().close();
  EXPECT_EQ(ends.far->receive_all(), "question");
  EXPECT_EQ(ends.far->receive_all(), "") << "the end must stay";
  ASSERT_EQ(ends.far->write_all("answer"), 0);
  ends.far->writer().close();
  EXPECT_EQ(ends.near->receive_all(), "answer");
}

TEST_P(TransportContract, AllThatWasWrittenArrivesBeforeTheEnd) {
  const Connected ends = connect();
  const Pattern pattern(5);
  constexpr std::size_t size = 8 << 20;
  auto sent = on_a_thread([&] {
    std::string problem = send_pattern(*ends.near, pattern, size);
    ends.near->writer().close();
    return problem;
  });
  EXPECT_EQ(receive_pattern(*ends.far, pattern, size), "");
  EXPECT_EQ(sent.get(), "");
  EXPECT_EQ(ends.far->receive_all(), "");
}

TEST_P(TransportContract, AClosedReaderReadsTheEnd) {
  const Connected ends = connect();
  ASSERT_EQ(ends.near->write_all("too late"), 0);
  ends.far->reader().close();
  ends.far->reader().close();
  std::byte one;
  const ssize_t result = ends.far->reader().read({&one, 1});
  EXPECT_TRUE(result == 0 || result == -ECANCELED) << result;
}

TEST_P(TransportContract, AClosedWriterTakesNothing) {
  const Connected ends = connect();
  ends.near->writer().close();
  EXPECT_EQ(write_once(*ends.near, std::as_bytes(std::span("x"))), -EPIPE);
}

// The core ends a connection whose stream throws, or takes nothing without saying so. No state of a stream is a reason.
TEST_P(TransportContract, AStreamAnswersByNumbersAndNeverThrows) {
  Connected ends = connect();
  const auto use = [](StreamEnd& end, const char* when) {
    std::byte one{};
    ssize_t taken = 0, given = 0;
    EXPECT_NO_THROW(taken = write_once(end, {&one, 1})) << when;
    EXPECT_TRUE(taken == 1 || taken < 0) << taken << ' ' << when;
    EXPECT_NO_THROW(given = end.reader().read({&one, 1})) << when;
    EXPECT_LE(given, 1) << when;
  };
  const auto close = [](StreamEnd& end, const char* when) {
    EXPECT_NO_THROW(end.writer().close()) << when;
    EXPECT_NO_THROW(end.reader().close()) << when;
  };
  use(*ends.near, "while both ends are open");
  close(*ends.far, "while both ends are open");
  use(*ends.near, "after the other end was closed");
  ends.far.reset();
  use(*ends.near, "after the other end is gone");
  close(*ends.near, "after the other end is gone");
  close(*ends.near, "for the second time");
  use(*ends.near, "after it was closed");
}

TEST_P(TransportContract, AnEndThatGoesIsSeenByTheOther) {
  Connected ends = connect();
  ends.near.reset();
  EXPECT_TRUE(ends.far->ends());
  EXPECT_TRUE(writing_fails(*ends.far));
}

TEST_P(TransportContract, AWriterThatIsHeldUpLearnsThatItsPeerWent) {
  Connected ends = connect();
  auto failed = on_a_thread([&] { return writing_fails(*ends.near); });
  EXPECT_EQ(ends.far->receive(1).size(), 1u);
  ends.far.reset();
  EXPECT_TRUE(failed.get());
}

TEST_P(TransportContract, APeerThatIsKilledIsSeen) {
  if (!GetParam().between_processes) GTEST_SKIP() << "within one process only";
  int addresses[2];
  ASSERT_EQ(::pipe(addresses), 0);
  const pid_t pid = ::fork();  // before there is any thread: a transport may have its own from listen() on
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    try {
      std::string address(4096, '\0');
      const ssize_t size = ::read(addresses[0], address.data(), address.size());
      address.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      StreamEnd end(transport_->connect(address, deadline_after(patience)));
      if (end.write_all("up") == 0) end.receive_all();
    } catch (const std::exception& error) {
      std::cerr << "another process " << error.what()
                << "\nA transport that is for one process only is tested with --one-process." << std::endl;
    }
    ::_exit(1);
  }
  Child child(pid);
  const auto listener = listen();
  const std::string address = listener->address();
  EXPECT_EQ(::write(addresses[1], address.data(), address.size()), static_cast<ssize_t>(address.size()));
  ::close(addresses[0]);
  ::close(addresses[1]);
  const auto end = accept_one(*listener, [&] { return child.has_ended(); });
  EXPECT_EQ(end->receive(2), "up");
  child.kill();
  EXPECT_TRUE(end->ends());
  EXPECT_TRUE(writing_fails(*end));
}

TEST_P(TransportContract, NothingIsLeftOfWhatIsGone) {
  const auto round = [&] {
    const Connected ends = connect();
    ASSERT_EQ(ends.near->write_all("x"), 0);
    EXPECT_EQ(ends.far->receive(1), "x");
    const auto second = listen();
    EXPECT_THROW(transport_->connect("?", deadline_after(patience)), Error);
    listener_.reset();
  };
  round();  // what is made once for the whole process
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  for (int i = 0; i < 20; ++i) round();
  EXPECT_TRUE(eventually([&] { return entries("/proc/self/fd") <= descriptors; })) << entries("/proc/self/fd");
  EXPECT_TRUE(eventually([&] { return entries("/proc/self/task") <= threads; })) << entries("/proc/self/task");
}

}  // namespace cohort::contract
