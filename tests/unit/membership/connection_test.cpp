#include "membership/connection.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "../../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::eventually;

const std::string cookie = "of these tests";

Identity identity(Pid pid) { return {protocol_version, pid, "build", "library"}; }

// One side: answers pings, and keeps how its connection ended.
class Side final : public Connection::Handler {
 public:
  explicit Side(Reactor& reactor) : reactor_(reactor) {}
  void open(IoPair pair, Handshake::Role role) {
    connection_ = std::make_shared<Connection>(reactor_, *this, std::move(pair), role, identity(1), cookie);
    reactor_.post([connection = connection_] { connection->start(30s); });
  }
  void on_established(const std::shared_ptr<Connection>&) override {
    established = true;
    reactor_.complete(established_);
  }
  void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) override {
    if (on_each_frame) on_each_frame();
    frames++;
    if (frame.header.kind == FrameKind::ping)
      connection->send(FrameKind::pong, frame.header.request, {}, SendQueue::Mode::gather_on_loop);
  }
  void on_closed(const std::shared_ptr<Connection>&, const std::string& reason) override {
    reason_ = reason;
    reactor_.complete(closed_);
  }
  bool wait_until_established() { return reactor_.wait(*established_, deadline_after(30s)) == WaitResult::done; }
  /// Why it was closed.
  std::string wait_until_closed() {
    return reactor_.wait(*closed_, deadline_after(30s)) == WaitResult::done ? reason_ : "not closed";
  }
  Connection& connection() { return *connection_; }
  void forget() { connection_.reset(); }

  std::function<void()> on_each_frame;
  std::atomic<bool> established{false};
  std::atomic<std::size_t> frames{0};

 private:
  Reactor& reactor_;
  std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Completion> established_ = std::make_shared<Completion>(),
                                    closed_ = std::make_shared<Completion>();
  std::string reason_;
};

class ConnectionTest : public testing::Test {
 protected:
  void TearDown() override {
    for (Side* side : {&near_, &far_}) side->forget();
    reactor_.stop();
  }
  void connect() {
    auto [near, far] = make_buffer_pair();
    near_.open(std::move(near), Handshake::Role::dialer);
    far_.open(std::move(far), Handshake::Role::acceptor);
    ASSERT_TRUE(near_.wait_until_established());
    ASSERT_TRUE(far_.wait_until_established());
  }
  /// What is said of a connection over such streams.
  std::string end_with(std::unique_ptr<Reader> reader, std::unique_ptr<Writer> writer) {
    near_.open({std::move(reader), std::move(writer)}, Handshake::Role::dialer);
    return near_.wait_until_closed();
  }
  Reactor reactor_{Reactor::Options{}};
  Side near_{reactor_}, far_{reactor_};
};

struct QuietReader : Reader {
  ssize_t read(std::span<std::byte>) override { return -EAGAIN; }
  void on_readable(std::function<void()>) override {}
  void close() override {}
};

struct QuietWriter : Writer {
  ssize_t write(std::span<const iovec>) override { return -EAGAIN; }
  void on_writable(std::function<void()>) override {}
  void close() override {}
};

void expect_named(const std::string& reason, const std::string& what) { EXPECT_EQ(reason, "unit_membership: " + what); }

TEST_F(ConnectionTest, AReaderThatThrowsEndsTheConnectionByName) {
  struct Throws : QuietReader {
    ssize_t read(std::span<std::byte>) override { throw Error("the cable is cut"); }
  };
  expect_named(end_with(std::make_unique<Throws>(), std::make_unique<QuietWriter>()), "the cable is cut");
}

TEST_F(ConnectionTest, AWriterThatThrowsEndsTheConnectionByName) {
  struct Throws : QuietWriter {
    ssize_t write(std::span<const iovec>) override { throw std::runtime_error("the cable is cut"); }
  };
  expect_named(end_with(std::make_unique<QuietReader>(), std::make_unique<Throws>()), "the cable is cut");
}

TEST_F(ConnectionTest, StreamsWithoutCallbackEndTheConnectionByName) {
  struct Deaf : QuietReader {
    void on_readable(std::function<void()> ready) override { Reader::on_readable(std::move(ready)); }
  };
  struct Dumb : QuietWriter {
    void on_writable(std::function<void()> ready) override { Writer::on_writable(std::move(ready)); }
  };
  expect_named(end_with(std::make_unique<Deaf>(), std::make_unique<QuietWriter>()),
               "a Reader without a descriptor must override on_readable()");
  Side other(reactor_);
  other.open({std::make_unique<QuietReader>(), std::make_unique<Dumb>()}, Handshake::Role::dialer);
  expect_named(other.wait_until_closed(), "a Writer without a descriptor must override on_writable()");
}

TEST_F(ConnectionTest, EveryFunctionOfAStreamMayThrow) {
  struct BadReader : QuietReader {
    int descriptor() const override { throw Error("no descriptor"); }
    void close() override { throw Error("no close"); }
  };
  struct BadWriter : QuietWriter {
    int descriptor() const override { throw 7; }
    void close() override { throw Error("no close"); }
  };
  expect_named(end_with(std::make_unique<BadReader>(), std::make_unique<BadWriter>()), "no descriptor");
}

TEST_F(ConnectionTest, AReaderCannotGiveMoreThanWasAskedFor) {
  struct Boasts : QuietReader {
    ssize_t read(std::span<std::byte> buffer) override { return static_cast<ssize_t>(buffer.size()) + 1; }
  };
  expect_named(end_with(std::make_unique<Boasts>(), std::make_unique<QuietWriter>()),
               "read() said 1025 for a buffer of 1024 bytes");
}

TEST_F(ConnectionTest, StreamsThatAreMissingEndTheConnection) {
  EXPECT_EQ(end_with(nullptr, std::make_unique<QuietWriter>()), "a plugin: a connection without a Reader");
}

TEST_F(ConnectionTest, ADescriptorThatCannotBeWatchedEndsTheConnection) {
  struct File : QuietReader {
    int descriptor() const override { return 1'000'000; }
  };
  const std::string reason = end_with(std::make_unique<File>(), std::make_unique<QuietWriter>());
  EXPECT_NE(reason.find("descriptor 1000000 cannot be watched"), std::string::npos) << reason;
}

TEST_F(ConnectionTest, WhoeverEndsAConnectionSaysWhy) {
  connect();
  near_.connection().close("no room for\n it");
  EXPECT_EQ(near_.wait_until_closed(), "no room for\n it");
  EXPECT_EQ(far_.wait_until_closed(), "the connection ended: no room for  it");
  EXPECT_EQ(far_.connection().last_word(), "no room for  it");
}

TEST_F(ConnectionTest, WhatTakingAMessageInThrowsIsTheReason) {
  far_.on_each_frame = [] { throw std::bad_alloc(); };
  connect();
  near_.connection().send(FrameKind::ping, 0, {}, SendQueue::Mode::now);
  EXPECT_EQ(far_.wait_until_closed(), "a message could not be taken in: std::bad_alloc");
  EXPECT_EQ(near_.wait_until_closed(), "the connection ended: a message could not be taken in: std::bad_alloc");
}

// Two ends of which the test drives one, which never reads once the handshake is done.
TEST_F(ConnectionTest, NothingIsReadFromAPeerThatDoesNotTakeItsAnswers) {
  auto ends = make_buffer_pair(1 << 16);
  auto& near = ends.first;
  auto& far = ends.second;
  far_.open(std::move(far), Handshake::Role::acceptor);
  const auto write = [&, &to = *near.writer](std::span<const std::byte> bytes) {
    ASSERT_TRUE(eventually([&] {
      const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
      const ssize_t n = to.write({&part, 1});
      if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
      return bytes.empty();
    }));
  };
  Handshake handshake(Handshake::Role::dialer, identity(2), cookie);
  write(handshake.start().span());
  for (auto state = Handshake::Step::State::more; state == Handshake::Step::State::more;) {
    std::array<std::byte, 2048> buffer;
    ssize_t n = 0;
    ASSERT_TRUE(eventually([&] { return (n = near.reader->read(buffer)) > 0; }));
    std::size_t used = 0;
    const auto step = handshake.feed(std::span(buffer).first(static_cast<std::size_t>(n)), used);
    write(step.out.span());
    state = step.state;
  }
  ASSERT_TRUE(far_.wait_until_established());

  constexpr std::size_t pings = 100'000;  // some 16 Ki may wait
  Bytes ping;
  append_frame_head(ping, FrameHeader{.kind = FrameKind::ping}, 0, {}, {});
  std::string all;
  for (std::size_t i = 0; i < pings; i++) all.append(reinterpret_cast<const char*>(ping.data()), ping.size());
  std::span<const std::byte> left = std::as_bytes(std::span(all));
  const auto paused = [&] {
    auto looked = std::make_shared<Completion>();
    auto since = Clock::time_point::max();
    reactor_.post([&] {
      since = far_.connection().takes_nothing_since();
      reactor_.complete(looked);
    });
    reactor_.wait(*looked);
    return since != Clock::time_point::max();
  };
  for (const auto deadline = deadline_after(30s); !paused() && Clock::now() < deadline && !left.empty();) {
    const iovec part{const_cast<std::byte*>(left.data()), left.size()};
    if (const ssize_t n = near.writer->write({&part, 1}); n > 0) left = left.subspan(static_cast<std::size_t>(n));
  }
  EXPECT_TRUE(paused());
  EXPECT_FALSE(left.empty());
  EXPECT_GT(far_.frames, 16'000u);

  // As soon as it reads, it is heard.
  std::size_t answered = 0;
  std::vector<std::byte> buffer(1 << 16);
  const auto write_and_read = [&] {
    const iovec part{const_cast<std::byte*>(left.data()), left.size()};
    const ssize_t written = left.empty() ? 0 : near.writer->write({&part, 1});
    if (written > 0) left = left.subspan(static_cast<std::size_t>(written));
    const ssize_t read = near.reader->read(buffer);
    if (read > 0) answered += static_cast<std::size_t>(read);
    return written > 0 || read > 0;
  };
  EXPECT_TRUE(eventually(
      [&] {
        while (write_and_read()) {
        }
        return answered >= pings * ping.size();
      },
      30s));
  EXPECT_EQ(answered, pings * ping.size());
  near.writer->close();
  EXPECT_EQ(far_.wait_until_closed(), "the connection ended");
}

}  // namespace
}  // namespace cohort::test
