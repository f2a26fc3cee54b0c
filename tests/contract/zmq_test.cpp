// What the transport zmq and its broker make of strangers, of the ill-behaved and of each other's end.

#include <signal.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <zmq.hpp>

#include <cohort/contract/stream_end.hpp>
#include <cohort/contract/transport_suite.hpp>
#include <cohort/error.hpp>
#include <cohort/transport.hpp>

#include "../../transports/zmq/message.hpp"
#include "zmq_broker.hpp"

namespace cohort::contract {
namespace {

using namespace std::chrono_literals;
using namespace cohort_zmq;

// A process that says to the broker what it likes.
class RawClient {
 public:
  explicit RawClient(const ZmqBroker& broker) : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::routing_id, id_);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.connect(broker.address());
  }

  void send(const std::vector<std::string>& parts) {
    for (const auto& part : parts)
      socket_.send(zmq::buffer(part), &part == &parts.back() ? zmq::send_flags::none : zmq::send_flags::sndmore);
  }
  void send(const ClientId& to, const Message& message) { send({to, encode(message).to_string()}); }

  // The next message, kept until the one after it.
  Message receive() {
    zmq::message_t from;
    zmq::pollitem_t readable{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&readable, 1, std::chrono::duration_cast<std::chrono::milliseconds>(patience)) == 0)
      throw std::runtime_error("no answer");
    static_cast<void>(socket_.recv(from));
    static_cast<void>(socket_.recv(last_));
    return cohort_zmq::decode(last_).value();
  }
  Message greet(std::uint32_t version = protocol_version) {
    send({}, {.type = MessageType::hello, .value = version});
    return receive();
  }
  const ClientId& id() const { return id_; }

 private:
  const ClientId id_ = random_client_id();
  zmq::context_t context_;
  zmq::socket_t socket_;
  zmq::message_t last_;
};

class ZmqTransportTest : public testing::Test {
 protected:
  std::unique_ptr<StreamEnd> accept_one() {
    Readiness acceptable(-1, 0, [&](std::function<void()> ready) { listener_->on_acceptable(std::move(ready)); });
    while (true) {
      acceptable.reset();
      if (auto pair = listener_->accept()) return std::make_unique<StreamEnd>(std::move(*pair));
      if (!acceptable.wait(deadline_after(patience))) throw std::runtime_error("nobody connected");
    }
  }
  void expect_talk() {
    auto dialled = std::async(std::launch::async, [&] {
      return StreamEnd(transport_->connect(listener_->address(), deadline_after(patience)));
    });
    const auto far = accept_one();
    StreamEnd near = dialled.get();
    ASSERT_EQ(near.write_all("hello"), 0);
    EXPECT_EQ(far->receive(5), "hello");
  }
  Address address() const { return parse_address(listener_->address()).value(); }
  // A stream that the client dialled.
  std::unique_ptr<StreamEnd> accept_from(RawClient& client, std::uint64_t number) {
    client.send(address().client, {MessageType::open, false, address().listener, number});
    EXPECT_EQ(client.receive().type, MessageType::accept);
    return accept_one();
  }

  ZmqBroker broker_;
  std::unique_ptr<Transport> transport_ = load_transport("zmq", broker_.options());
  std::unique_ptr<Listener> listener_ = transport_->listen("");
};

TEST_F(ZmqTransportTest, NonsenseHarmsNeitherTheBrokerNorTheOthers) {
  RawClient client(broker_);
  const std::string there = address().client;
  client.send(there, {MessageType::open, false, 1, 1});  // without a hello
  ASSERT_EQ(client.greet().type, MessageType::welcome);
  client.send({"x"});
  client.send({"", ""});
  client.send({"", "x"});
  client.send({"", std::string(header_size, '\xff')});
  client.send({there, ""});
  client.send({there, std::string(header_size - 1, '\1')});
  client.send({there, std::string(header_size + largest_data + 1, '\4')});
  client.send({there, "a", "b", "c", "d"});
  for (int type = 0; type < 256; ++type) {
    for (const bool side : {false, true})
      if (type != static_cast<int>(MessageType::open)) client.send(there, {static_cast<MessageType>(type), side, 7, 9});
  }
  client.send(there, {MessageType::open, true, 1, 5});
  expect_talk();
  const auto end = accept_from(client, 42);  // nothing before was answered
  client.send(there, {MessageType::data, false, 0, 42, std::as_bytes(std::span("ok", 2))});
  EXPECT_EQ(end->receive(2), "ok");
}

TEST_F(ZmqTransportTest, WhoBreaksTheRulesLosesTheStream) {
  RawClient client(broker_);
  ASSERT_EQ(client.greet().type, MessageType::welcome);
  const std::string there = address().client;
  std::uint64_t number = 0;
  for (const Message& wrong : {Message{MessageType::credit, false, 1}, Message{MessageType::data},
                               Message{MessageType::hello}, Message{MessageType::accept}}) {
    const auto end = accept_from(client, ++number);
    Message message = wrong;
    message.stream = number;
    client.send(there, message);
    std::byte one;
    EXPECT_EQ(end->read_some({&one, 1}), -ECONNRESET) << static_cast<int>(wrong.type);
  }
  expect_talk();
}

TEST_F(ZmqTransportTest, WhoSendsMoreThanItsCreditLosesTheStream) {
  RawClient client(broker_);
  ASSERT_EQ(client.greet().type, MessageType::welcome);
  const auto end = accept_from(client, 1);
  const std::string text(largest_data, 'x');
  for (std::size_t sent = 0; sent <= 2 * window; sent += text.size() + message_cost)
    client.send(address().client, {MessageType::data, false, 0, 1, std::as_bytes(std::span(text))});
  // Nobody may read before all has come there, for that would give credit back.
  client.send(address().client, {MessageType::open, false, address().listener + 1, 2});
  while (client.receive().type != MessageType::refuse) {
  }
  EXPECT_TRUE(end->ends());
  expect_talk();
}

TEST_F(ZmqTransportTest, AnotherVersionIsRefusedWithBothNumbers) {
  RawClient client(broker_);
  const Message answer = client.greet(99);
  EXPECT_EQ(answer.type, MessageType::refused);
  EXPECT_EQ(answer.text(), "it speaks version 1 of the protocol, this process 99");
}

TEST_F(ZmqTransportTest, TheBrokerSaysWhoIsNotThere) {
  RawClient client(broker_);
  ASSERT_EQ(client.greet().type, MessageType::welcome);
  const ClientId nobody = random_client_id();
  client.send(nobody, {MessageType::open, false, 1, 1});
  const Message answer = client.receive();
  EXPECT_EQ(answer.type, MessageType::gone);
  EXPECT_EQ(answer.text(), nobody);
}

TEST_F(ZmqTransportTest, APeerThatIsGoneIsToldAndWhatItSentBeforeStillCame) {
  auto client = std::make_unique<RawClient>(broker_);
  ASSERT_EQ(client->greet().type, MessageType::welcome);
  const auto end = accept_from(*client, 1);
  const std::string text(1000, 'x');
  client->send(address().client, {MessageType::data, false, 0, 1, std::as_bytes(std::span(text))});
  client->send({}, {.type = MessageType::bye});
  EXPECT_EQ(client->receive().type, MessageType::bye);
  client.reset();
  EXPECT_EQ(end->receive(1000), text);
  std::byte one;
  EXPECT_EQ(end->read_some({&one, 1}), -ECONNRESET) << "it is no orderly end";
}

TEST_F(ZmqTransportTest, TheEndOfTheBrokerIsSeenAndItsNextIsFound) {
  auto dialled = std::async(std::launch::async, [&] {
    return StreamEnd(transport_->connect(listener_->address(), deadline_after(patience)));
  });
  const auto far = accept_one();
  StreamEnd near = dialled.get();
  const std::string before = listener_->address();
  broker_.process().signal(SIGKILL);
  EXPECT_TRUE(near.ends());
  EXPECT_TRUE(far->ends());
  try {
    transport_->connect(before, deadline_after(patience));
    ADD_FAILURE() << "connected";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("the zmq broker at " + broker_.address()), std::string::npos)
        << error.what();
  }
  const ZmqBroker next("", broker_.address());
  listener_ = transport_->listen("");
  expect_talk();
}

TEST_F(ZmqTransportTest, ABrokerThatDoesNotAnswerIsGivenUpAtTheDeadline) {
  broker_.process().signal(SIGSTOP);
  auto other = load_transport("zmq", broker_.options());
  EXPECT_THROW(other->connect(listener_->address(), Clock::now() + 200ms), TimeoutError);
  EXPECT_THROW(transport_->connect(listener_->address(), Clock::now() + 200ms), TimeoutError);
  broker_.process().signal(SIGCONT);
  EXPECT_TRUE(accept_one()->ends()) << "of the one that was given up";
  expect_talk();
}

TEST(ZmqAddress, IsReadAsItIsWritten) {
  const ClientId id = random_client_id();
  const auto address = parse_address(address_of(id, 4'000'000'000));
  ASSERT_TRUE(address);
  EXPECT_EQ(address->client, id);
  EXPECT_EQ(address->listener, 4'000'000'000u);
  const std::string good = address_of(id, 1);
  for (const std::string& bad : {good.substr(1), good.substr(0, good.size() - 1), good + "x", good + "99999999999",
                                 "zmq:G" + good.substr(5), std::string("zmq:"), std::string()})
    EXPECT_FALSE(parse_address(bad)) << bad;
}

// Under the contract of all transports.
INSTANTIATE_TEST_SUITE_P(
    Zmq, TransportContract,
    testing::Values(TransportUnderTest{.name = "tcp", .plugin = "zmq", .make_options = [] { return broker_options(); }},
                    TransportUnderTest{
                        .name = "curve",
                        .plugin = "zmq",
                        .make_options = [] { return broker_options("a key that nobody else can know ...."); }}),
    name_of);

}  // namespace
}  // namespace cohort::contract
