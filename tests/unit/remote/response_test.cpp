#include "remote/response.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include "membership/router.hpp"
#include "remote/exception_codec.hpp"
#include "remote/references.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class FakeRouter final : public Router {
 public:
  explicit FakeRouter(Reactor& reactor) : reactor_(reactor) {}
  Pid self() const override { return 2; }
  Reactor& reactor() override { return reactor_; }
  std::shared_ptr<Connection> connection_to(Pid) override { throw Error("nobody is connected"); }
  std::shared_ptr<Connection> existing_connection(Pid) override { return nullptr; }
  bool may_connect(Pid) override { return false; }
  bool is_gone(Pid) override { return false; }
  std::vector<Pid> processes() override { return {2}; }
  BlockingPool& blocking() override { throw Error("not of these tests"); }
  LocalCalls& local_calls() override { throw Error("not of these tests"); }
  ParallelState& parallel() override { throw Error("not of these tests"); }

 private:
  Reactor& reactor_;
};

// One end of a connection; of the asker's, keeps the answers.
class End final : public Connection::Handler {
 public:
  End(Reactor& reactor, IoPair pair, Handshake::Role role)
      : reactor_(reactor),
        connection_(std::make_shared<Connection>(reactor, *this, std::move(pair), role, Identity{}, "cookie")) {
    reactor_.post([connection = connection_] { connection->start(30s); });
  }
  void on_established(const std::shared_ptr<Connection>&) override { reactor_.complete(established_); }
  void on_frame(const std::shared_ptr<Connection>&, Frame&& frame) override {
    frames.push_back(std::move(frame));
    if (frames.size() == 2) reactor_.complete(two_);
  }
  void on_closed(const std::shared_ptr<Connection>&, const std::string&) override {}
  bool wait_until_established() { return reactor_.wait(*established_, deadline_after(30s)) == WaitResult::done; }
  bool wait_for_two() { return reactor_.wait(*two_, deadline_after(30s)) == WaitResult::done; }
  std::shared_ptr<Connection>& connection() { return connection_; }

  std::vector<Frame> frames;

 private:
  Reactor& reactor_;
  std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Completion> established_ = std::make_shared<Completion>(),
                                    two_ = std::make_shared<Completion>();
};

TEST(Response, WhatCannotBeSentIsTheExceptionOfThatCallAndTheConnectionGoesOn) {
  Reactor reactor(Reactor::Options{});
  FakeRouter router(reactor);
  const auto references = std::make_shared<References>(router);
  auto [near, far] = make_buffer_pair();
  End answerer(reactor, std::move(near), Handshake::Role::dialer),
      asker(reactor, std::move(far), Handshake::Role::acceptor);
  ASSERT_TRUE(answerer.wait_until_established());
  ASSERT_TRUE(asker.wait_until_established());

  const auto too_much = std::make_shared<Payload>();
  const auto memory = std::make_shared<const std::byte>();
  too_much->segments.resize(70'000, Segment{memory, memory.get(), 1});
  send_response(*references, {answerer.connection(), 7, too_much}, SendQueue::Mode::now);
  send_response(*references, {answerer.connection(), 8, std::make_shared<Payload>()}, SendQueue::Mode::now);
  ASSERT_TRUE(asker.wait_for_two());

  EXPECT_EQ(asker.frames[0].header.request, 7u);
  EXPECT_EQ(asker.frames[0].header.flags, result_exception);
  Payload exception;
  exception.body = std::move(asker.frames[0].body);
  const std::string text = message_of(decode_exception(exception, 2));
  EXPECT_NE(text.find("70000"), std::string::npos) << text;
  EXPECT_EQ(asker.frames[1].header.request, 8u);
  EXPECT_EQ(asker.frames[1].header.flags, result_value);

  references->close();
  for (End* end : {&answerer, &asker}) end->connection().reset();
  reactor.stop();
}

}  // namespace
}  // namespace cohort::test
