// Who gets in over TLS and who does not, and what both are told.

#include <poll.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/contract/stream_end.hpp>
#include <cohort/contract/transport_suite.hpp>
#include <cohort/error.hpp>
#include <cohort/transport.hpp>

#include "certificates.hpp"

namespace cohort::contract {
namespace {

std::unique_ptr<Transport> with_key(char key) {
  auto transport = load_transport("tls");
  const std::string bytes(32, key);
  transport->set_secret(std::as_bytes(std::span(bytes)));
  return transport;
}

// What befell both sides of one attempt; "" is success.
struct Outcome {
  std::string dialler;
  std::string acceptor;
};

template <class Dial>
Outcome attempt(Listener& listener, Dial dial) {
  auto dialled = std::async(std::launch::async, [&] {
    try {
      dial();
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
  Outcome outcome;
  const auto deadline = deadline_after(patience);
  Readiness ready(listener.descriptor(), POLLIN, nullptr);
  bool over = false;
  while (!over && ready.wait(deadline)) {
    try {
      over = listener.accept().has_value();
    } catch (const Error& error) {
      outcome.acceptor = error.what();
      over = true;
    }
  }
  outcome.dialler = dialled.get();
  return outcome;
}

Outcome attempt(Transport& dialler, Listener& listener) {
  return attempt(listener, [&] { dialler.connect(listener.address(), deadline_after(patience)); });
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

// Whoever was refused before must not have harmed the listener.
void expect_welcome(Transport& dialler, Listener& listener) {
  const Outcome outcome = attempt(dialler, listener);
  EXPECT_EQ(outcome.dialler, "");
  EXPECT_EQ(outcome.acceptor, "");
}

TEST(Tls, AnotherKeyIsRefusedAndBothAreToldWhy) {
  auto mine = with_key('m');
  auto theirs = with_key('t');
  const auto listener = mine->listen("");
  const Outcome outcome = attempt(*theirs, *listener);
  expect_contains(outcome.dialler, "cannot connect to " + listener->address() + ": it refused this process: ");
  expect_contains(outcome.dialler, "with one cookie?");
  expect_contains(outcome.acceptor, "refused a connection at " + listener->address() + ": it has another key");
  expect_welcome(*mine, *listener);
}

TEST(Tls, WithoutKeyOrCertificatesNothingIsSent) {
  EXPECT_THROW(load_transport("tls")->listen(""), Error);
  EXPECT_THROW(load_transport("tls")->connect("127.0.0.1:1", deadline_after(patience)), Error);
}

TEST(Tls, APlainDiallerIsRefusedAtOnce) {
  auto mine = with_key('m');
  auto plain = load_transport("tcp");
  const auto listener = mine->listen("");
  // The second is a cohort hello without encryption; the third begins like a TLS record and goes on otherwise.
  for (const std::string& bytes : {std::string("GET / HTTP/1.0\r\n\r\n"),
                                   std::string("\x8c\0\x01"
                                               "COHORT\r\n",
                                               11),
                                   std::string(64, '\x16')}) {
    const Outcome outcome = attempt(*listener, [&] {
      StreamEnd end(plain->connect(listener->address(), deadline_after(patience)));
      EXPECT_EQ(end.write_all(bytes), 0);
      EXPECT_TRUE(end.ends(std::chrono::seconds(8))) << "only the deadline of the handshake ends it";
    });
    expect_contains(outcome.acceptor, "it does not speak TLS 1.3");
    expect_welcome(*mine, *listener);
  }
}

TEST(Tls, APlainListenerIsFoundOut) {
  auto mine = with_key('m');
  auto plain = load_transport("tcp");
  const auto listener = plain->listen("");
  auto answered = std::async(std::launch::async, [&] {
    Readiness ready(listener->descriptor(), POLLIN, nullptr);
    ready.wait(deadline_after(patience));
    auto pair = listener->accept();
    if (!pair) return;
    StreamEnd end(std::move(*pair));
    end.receive(1);
    end.write_all(std::string("\x05\x00\x04\x01nope", 8));
    end.ends();
  });
  try {
    mine->connect(listener->address(), deadline_after(patience));
    ADD_FAILURE() << "connected";
  } catch (const Error& error) {
    expect_contains(error.what(), "cannot connect to " + listener->address() + ": it does not speak TLS 1.3");
  }
}

TEST(Tls, GivesUpAtTheDeadlineOnOneThatDoesNotAnswer) {
  auto mine = with_key('m');
  const auto listener = load_transport("tcp")->listen("");
  EXPECT_THROW(mine->connect(listener->address(), Clock::now() + std::chrono::milliseconds(200)), TimeoutError);
}

TEST(Tls, ConnectionsThatSayNothingKeepNobodyOut) {
  auto mine = with_key('m');
  auto plain = load_transport("tcp");
  const auto listener = mine->listen("");
  std::vector<IoPair> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(plain->connect(listener->address(), deadline_after(patience)));
    EXPECT_FALSE(listener->accept());
  }
  expect_welcome(*mine, *listener);
}

TEST(Tls, CertificatesOfOneAuthorityAreWelcome) {
  const Certificates authority;
  authority.issue("one");
  authority.issue("two");
  auto one = load_transport("tls", authority.options("one"));
  auto two = load_transport("tls", authority.options("two"));
  const auto listener = one->listen("");
  expect_welcome(*two, *listener);
}

TEST(Tls, AnExpiredCertificateIsRefusedAndBothAreToldWhy) {
  const Certificates authority;
  authority.issue("good");
  authority.issue("expired", -3600);
  auto good = load_transport("tls", authority.options("good"));
  auto expired = load_transport("tls", authority.options("expired"));
  const auto listener = good->listen("");
  const Outcome of_dialler = attempt(*expired, *listener);
  expect_contains(of_dialler.dialler, "it refused this process: certificate expired");
  expect_contains(of_dialler.acceptor, "its certificate is not accepted: certificate has expired");
  expect_welcome(*good, *listener);

  const auto expired_listener = expired->listen("");
  const Outcome of_acceptor = attempt(*good, *expired_listener);
  expect_contains(of_acceptor.dialler, "its certificate is not accepted: certificate has expired");
  expect_contains(of_acceptor.acceptor, "it refused this process: certificate expired");
}

TEST(Tls, CertificatesOfAnotherAuthorityAreRefused) {
  const Certificates authority;
  const Certificates stranger;
  authority.issue("mine");
  stranger.issue("theirs");
  auto mine = load_transport("tls", authority.options("mine"));
  auto theirs = load_transport("tls", stranger.options("theirs", authority));  // believes me, but I do not believe it
  const auto listener = mine->listen("");
  const Outcome outcome = attempt(*theirs, *listener);
  expect_contains(outcome.acceptor, "its certificate is not accepted: ");
  expect_contains(outcome.dialler, "it refused this process: ");
  expect_welcome(*mine, *listener);
}

TEST(Tls, AKeyIsNoCertificate) {
  const Certificates authority;
  authority.issue("mine");
  auto certified = load_transport("tls", authority.options("mine"));
  auto keyed = with_key('m');
  for (auto [dialler, acceptor] : {std::pair{keyed.get(), certified.get()}, std::pair{certified.get(), keyed.get()}}) {
    const auto listener = acceptor->listen("");
    const Outcome outcome = attempt(*dialler, *listener);
    EXPECT_NE(outcome.dialler, "");
    EXPECT_NE(outcome.acceptor, "");
  }
}

TEST(Tls, FilesThatCannotBeUsedAreNamed) {
  const Certificates authority;
  authority.issue("mine");
  authority.issue("other");
  const auto message = [](const std::string& options) {
    try {
      load_transport("tls", options);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  expect_contains(message(authority.options("missing")), authority.file("missing.pem"));
  expect_contains(message(R"({"ca": "/ca.pem"})"), "go together");
  const std::string mixed = R"({"ca": ")" + authority.file("ca.pem") + R"(", "certificate": ")" +
                            authority.file("mine.pem") + R"(", "key": ")" + authority.file("other.key") + "\"}";
  expect_contains(message(mixed), "key values mismatch");
  std::filesystem::permissions(authority.file("mine.key"), std::filesystem::perms(0644));
  expect_contains(message(authority.options("mine")), "chmod 600 " + authority.file("mine.key"));
}

// Under the contract of all transports.
// Read once, when the transport is made.
std::string certificate_options() {
  static std::unique_ptr<Certificates> made;
  made = std::make_unique<Certificates>();
  made->issue("process");
  return made->options("process");
}

INSTANTIATE_TEST_SUITE_P(
    Tls, TransportContract,
    testing::Values(TransportUnderTest{.name = "key", .plugin = "tls", .secret = std::string(32, 's')},
                    TransportUnderTest{.name = "certificates", .plugin = "tls", .make_options = certificate_options}),
    name_of);

}  // namespace
}  // namespace cohort::contract
