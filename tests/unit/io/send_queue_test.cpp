#include "io/send_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "base/durations.hpp"

namespace cohort::test {
namespace {

using Mode = SendQueue::Mode;

// Does what a test says, and keeps what it took.
class FakeWriter final : public Writer {
 public:
  struct State {
    std::function<ssize_t(std::size_t all)> answer;  // unset: takes everything
    std::string taken;
    int writes = 0;
  };
  explicit FakeWriter(State& state) : state_(state) {}
  ssize_t write(std::span<const iovec> parts) override {
    state_.writes++;
    std::string all;
    for (const iovec& part : parts) all.append(static_cast<const char*>(part.iov_base), part.iov_len);
    const ssize_t count = state_.answer ? state_.answer(all.size()) : static_cast<ssize_t>(all.size());
    if (count > 0) state_.taken += all.substr(0, static_cast<std::size_t>(count));
    return count;
  }
  void on_writable(std::function<void()>) override {}
  void close() override {}

 private:
  State& state_;
};

class SendQueueTest : public testing::Test {
 protected:
  void send(const std::string& text, Mode mode = Mode::now, bool is_answer = false) {
    queue_->send(std::as_bytes(std::span(text)), {}, {}, mode, is_answer);
  }
  Reactor reactor_{Reactor::Options{}};
  FakeWriter::State writer_;
  std::vector<std::string> failures_;
  const std::shared_ptr<SendQueue> queue_ = std::make_shared<SendQueue>(
      reactor_, std::make_unique<FakeWriter>(writer_), [](bool) {},
      [this](const std::string& reason) { failures_.push_back(reason); });
};

TEST_F(SendQueueTest, WhatAWriterThrowsIsToldOnceAndItIsNotCalledAgain) {
  writer_.answer = [](std::size_t) -> ssize_t { throw Error("the ship sank"); };
  send("one");
  send("two");
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_NE(failures_[0].find(": the ship sank"), std::string::npos) << failures_[0];
  EXPECT_NE(failures_[0].find("unit_io"), std::string::npos) << "names the module: " << failures_[0];
  EXPECT_EQ(writer_.writes, 1);
}

TEST_F(SendQueueTest, WhatIsNoExceptionOfTheStandardLibraryIsToldToo) {
  writer_.answer = [](std::size_t) -> ssize_t { throw 7; };
  send("one");
  EXPECT_EQ(failures_.size(), 1u);
}

TEST_F(SendQueueTest, AWriterThatTakesNothingIsNotAskedForEver) {
  writer_.answer = [](std::size_t) -> ssize_t { return 0; };
  send("one");
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_NE(failures_[0].find("-EAGAIN"), std::string::npos) << failures_[0];
}

TEST_F(SendQueueTest, AWriterCannotTakeMoreThanThereIs) {
  writer_.answer = [](std::size_t all) { return static_cast<ssize_t>(all) + 1; };
  send("one");
  EXPECT_EQ(failures_.size(), 1u);
}

// A writer without a descriptor calls back once, perhaps before the thread that found no room knows the result.
TEST_F(SendQueueTest, RoomThatComesDuringTheWriteIsUsed) {
  writer_.answer = [this](std::size_t all) -> ssize_t {
    if (writer_.writes > 3) return static_cast<ssize_t>(all);
    if (writer_.writes == 1) return 1;
    queue_->writable();
    return -EAGAIN;
  };
  send("one");
  EXPECT_EQ(writer_.taken, "one");
  EXPECT_EQ(writer_.writes, 4);
  send("two");
  EXPECT_EQ(writer_.taken, "onetwo");
}

TEST_F(SendQueueTest, AnErrorThatTheReaderDoesNotSeeIsTold) {
  writer_.answer = [](std::size_t) -> ssize_t { return -ENOBUFS; };
  send("one");
  EXPECT_EQ(failures_.size(), 1u);
}

TEST_F(SendQueueTest, ThatThePeerIsGoneIsTheReadersToTell) {
  writer_.answer = [](std::size_t) -> ssize_t { return -EPIPE; };
  send("one");
  EXPECT_TRUE(failures_.empty());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the process for such a request
// Half a frame would be read as the beginning of another.
TEST_F(SendQueueTest, AFrameWithoutMemoryIsNotQueuedInPart) {
  writer_.answer = [](std::size_t) -> ssize_t { return -EAGAIN; };
  send("[first]");
  const std::string head = "[head of what does not fit]";
  const std::byte byte{};
  const std::span<const std::byte> no_memory(&byte, std::size_t{1} << 60);
  EXPECT_ANY_THROW(queue_->send(std::as_bytes(std::span(head)), no_memory, {}, Mode::now));
  send("[second]");
  writer_.answer = nullptr;
  queue_->writable();
  EXPECT_EQ(writer_.taken, "[first][second]");
  EXPECT_TRUE(failures_.empty());
}

TEST_F(SendQueueTest, AFrameThatWasBegunAndHasNoMemoryEndsTheConnection) {
  writer_.answer = [](std::size_t) -> ssize_t { return 3; };
  const std::string head = "head";
  const std::byte byte{};
  const std::span<const std::byte> no_memory(&byte, std::size_t{1} << 60);
  class TakesAFewBytes final : public Writer {
   public:
    ssize_t write(std::span<const iovec>) override { return std::exchange(taken_, true) ? -EAGAIN : 3; }
    void close() override {}
    int descriptor() const override { return 0; }

   private:
    bool taken_ = false;
  };
  const auto queue = std::make_shared<SendQueue>(
      reactor_, std::make_unique<TakesAFewBytes>(), [](bool) {},
      [this](const std::string& reason) { failures_.push_back(reason); });
  EXPECT_ANY_THROW(queue->send(std::as_bytes(std::span(head)), no_memory, {}, Mode::now));
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_NE(failures_[0].find("no memory"), std::string::npos) << failures_[0];
}
#endif

TEST_F(SendQueueTest, WhatIsSentAheadWaitsForNoOtherFrame) {
  const std::string segment = "segment]";
  const Segment owned{std::make_shared<int>(), reinterpret_cast<const std::byte*>(segment.data()), segment.size()};
  bool sent_in_part = false;
  writer_.answer = [&](std::size_t) -> ssize_t { return std::exchange(sent_in_part, true) ? -EAGAIN : 4; };
  send("[first]");
  const std::string head = "[second, ";
  queue_->send(std::as_bytes(std::span(head)), {}, std::span(&owned, 1), Mode::now);
  send("[third]");
  send("[ping]", Mode::ahead);
  send("[pong]", Mode::ahead, true);
  EXPECT_EQ(writer_.taken, "[fir");
  sent_in_part = false;  // a few bytes more
  queue_->writable();
  send("[another ping]", Mode::ahead);
  send("[fourth]");
  writer_.answer = nullptr;
  queue_->writable();
  EXPECT_EQ(writer_.taken, "[first][ping][pong][another ping][second, segment][third][fourth]");
  const auto sent = std::make_shared<Completion>();
  reactor_.post([&] {  // in one turn of the loop, at whose end all that was gathered is sent
    send("[ping]", Mode::gather_on_loop);
    send("[ahead]", Mode::ahead);
    reactor_.complete(sent);
  });
  ASSERT_EQ(reactor_.wait(*sent, deadline_after(std::chrono::seconds(20))), WaitResult::done);
  EXPECT_TRUE(writer_.taken.ends_with("[fourth][ahead][ping]")) << writer_.taken;
}

// Else a peer that pings and never reads could fill the memory here.
TEST_F(SendQueueTest, WhatIsNotSentYetIsCopiedForItsOwner) {
  bool room = true;
  writer_.answer = [&](std::size_t all) -> ssize_t {
    return std::exchange(room, false) ? static_cast<ssize_t>(std::min<std::size_t>(all, 7)) : -EAGAIN;
  };
  const auto one = std::make_shared<std::string>("abcdefghij"), two = std::make_shared<std::string>("0123456789");
  const auto segment_of = [](const std::shared_ptr<std::string>& text) {
    return Segment{text, reinterpret_cast<const std::byte*>(text->data()), text->size()};
  };
  const std::string head = "head";
  for (const auto& text : {one, two, one}) {
    const Segment segment = segment_of(text);
    queue_->send(std::as_bytes(std::span(head)), {}, std::span(&segment, 1), Mode::now);
  }
  EXPECT_EQ(writer_.taken, "headabc");
  queue_->copy_unsent(one.get());
  EXPECT_EQ(one.use_count(), 1);
  EXPECT_EQ(two.use_count(), 2);
  *one = "changed...";
  writer_.answer = nullptr;
  EXPECT_FALSE(queue_->writable());
  EXPECT_EQ(writer_.taken, "headabcdefghijhead0123456789headabcdefghij");
}

TEST_F(SendQueueTest, WhatIsBorrowedIsCopiedForASenderThatWaitsNoMore) {
  std::string one = "abcdefghij", two = "0123456789";
  const auto owned = std::make_shared<std::string>("XYZ");
  const auto borrowed = [](const std::string& text) {
    return Segment{nullptr, reinterpret_cast<const std::byte*>(text.data()), text.size()};
  };
  const std::string head = "head";
  std::vector<std::shared_ptr<Completion>> written;
  bool room = true;
  writer_.answer = [&](std::size_t all) -> ssize_t {
    return std::exchange(room, false) ? static_cast<ssize_t>(std::min<std::size_t>(all, 7)) : -EAGAIN;
  };
  for (const auto* text : {&one, &two}) {
    const Segment segments[] = {
        borrowed(*text), {owned, reinterpret_cast<const std::byte*>(owned->data()), owned->size()}, borrowed(*text)};
    written.push_back(queue_->send(std::as_bytes(std::span(head)), {}, segments, Mode::now));
    ASSERT_NE(written.back(), nullptr);
  }
  EXPECT_EQ(writer_.taken, "headabc");
  EXPECT_TRUE(queue_->copy_borrowed(*written[0]));
  one = "changed...";
  two = "98765.....";  // its sender still waits
  const std::string sent_of_two = "head" + two + "XYZ" + two;
  bool writing = true;
  writer_.answer = [&](std::size_t all) {
    if (std::exchange(writing, false)) {
      EXPECT_FALSE(queue_->copy_borrowed(*written[1]));  // its memory is being read
    }
    return static_cast<ssize_t>(all);
  };
  EXPECT_FALSE(queue_->writable());
  EXPECT_EQ(writer_.taken, "headabcdefghijXYZabcdefghij" + sent_of_two);
  EXPECT_TRUE(queue_->copy_borrowed(*written[1]));  // nothing is left of it
}

TEST_F(SendQueueTest, AnswersThatAreSentAheadPileUpToo) {
  writer_.answer = [](std::size_t) -> ssize_t { return -EAGAIN; };
  for (int i = 0; i < 20'000; i++) send("pong", Mode::ahead, true);
  EXPECT_TRUE(queue_->answers_pile_up());
  writer_.answer = nullptr;
  queue_->writable();
  EXPECT_FALSE(queue_->answers_pile_up());
  EXPECT_EQ(writer_.taken.size(), 80'000u);
}

TEST_F(SendQueueTest, AnswersPileUpWhileThePeerTakesNothing) {
  writer_.answer = [](std::size_t) -> ssize_t { return -EAGAIN; };
  for (int i = 0; i < 20'000; i++) send("request");
  EXPECT_FALSE(queue_->answers_pile_up()) << "requests wait for answers that must be read";
  for (int i = 0; i < 20'000; i++) send("answer", Mode::now, true);
  EXPECT_TRUE(queue_->answers_pile_up());
  writer_.answer = nullptr;
  queue_->writable();
  EXPECT_FALSE(queue_->answers_pile_up());
  send("answer", Mode::now, true);
  EXPECT_FALSE(queue_->answers_pile_up());
}

}  // namespace
}  // namespace cohort::test
