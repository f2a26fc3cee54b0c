#include "wire/handshake.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace cohort {
namespace {

using State = Handshake::Step::State;
using Role = Handshake::Role;

Identity identity(std::int32_t pid) { return {protocol_version, pid, "program-1", "library-1"}; }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Feeds everything that there is, `piece` bytes at a time; what is left stays in `in`.
Handshake::Step feed(Handshake& side, Bytes& in, std::size_t piece = SIZE_MAX) {
  Handshake::Step all;
  std::size_t at = 0;
  while (at < in.size()) {
    std::size_t used = 0;
    Handshake::Step step = side.feed(in.span().subspan(at, std::min(piece, in.size() - at)), used);
    all.out.append(step.out.data(), step.out.size());
    all.state = step.state;
    all.error = step.error;
    at += used;
    if (step.state != State::more) break;
  }
  in = Bytes(in.span().subspan(at));
  return all;
}

struct Outcome {
  Handshake::Step dialer, acceptor;
};

/// Both sides talk until nobody has anything to say.
Outcome talk(Handshake& dialer, Handshake& acceptor, std::size_t piece = SIZE_MAX) {
  Outcome outcome;
  Bytes to_acceptor = dialer.start();
  Bytes to_dialer = acceptor.start();
  while (!to_acceptor.empty() || !to_dialer.empty()) {
    if (!to_acceptor.empty()) {
      outcome.acceptor = feed(acceptor, to_acceptor, piece);
      to_dialer.append(outcome.acceptor.out.data(), outcome.acceptor.out.size());
      to_acceptor.clear();
    }
    if (!to_dialer.empty()) {
      outcome.dialer = feed(dialer, to_dialer, piece);
      to_acceptor.append(outcome.dialer.out.data(), outcome.dialer.out.size());
      to_dialer.clear();
    }
  }
  return outcome;
}

Outcome talk(const Identity& of_dialer, const Identity& of_acceptor, const std::string& cookie_of_dialer = "cookie",
             const std::string& cookie_of_acceptor = "cookie") {
  Handshake dialer(Role::dialer, of_dialer, cookie_of_dialer);
  Handshake acceptor(Role::acceptor, of_acceptor, cookie_of_acceptor);
  return talk(dialer, acceptor);
}

TEST(Handshake, SameCookieAndBuild) {
  for (std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, SIZE_MAX}) {
    for (const std::string& cookie : {std::string(), std::string("cookie"), std::string(100'000, 'c')}) {
      Handshake dialer(Role::dialer, identity(1), cookie);
      Handshake acceptor(Role::acceptor, identity(0), cookie);
      const Outcome outcome = talk(dialer, acceptor, piece);
      EXPECT_EQ(outcome.dialer.state, State::done) << outcome.dialer.error;
      EXPECT_EQ(outcome.acceptor.state, State::done) << outcome.acceptor.error;
      EXPECT_EQ(acceptor.peer().pid, 1);
      EXPECT_EQ(dialer.peer().pid, 0);
      EXPECT_EQ(acceptor.peer().executable_build, "program-1");
    }
  }
}

TEST(Handshake, BytesAfterItAreLeftForFrames) {
  Handshake dialer(Role::dialer, identity(1), "cookie");
  Handshake acceptor(Role::acceptor, identity(2), "cookie");
  Bytes hello = dialer.start();
  Bytes answer = feed(acceptor, hello).out;
  Bytes proof = feed(dialer, answer).out;
  Bytes accept = feed(acceptor, proof).out;
  accept.append("frames", 6);
  EXPECT_EQ(feed(dialer, accept).state, State::done);
  EXPECT_EQ(text_of(accept.span()), "frames");
  EXPECT_EQ(feed(dialer, accept).state, State::done);
  EXPECT_EQ(accept.size(), 6u) << "nothing is taken after the end";
}

TEST(Handshake, AnotherVersionIsToldToBoth) {
  Identity newer = identity(1);
  newer.version = 77;
  const Outcome outcome = talk(newer, identity(2));
  EXPECT_EQ(outcome.acceptor.error, "refused: the peer speaks protocol 77, this process 3");
  EXPECT_EQ(outcome.dialer.error, "the peer refused: it speaks protocol 3, this process 77");
}

TEST(Handshake, AnotherCookieIsToldToBoth) {
  for (const auto& [dialer, acceptor] : {std::pair("one", "two"), std::pair("", "two"), std::pair("one", "")}) {
    const Outcome outcome = talk(identity(1), identity(2), dialer, acceptor);
    EXPECT_EQ(outcome.dialer.state, State::failed);
    EXPECT_EQ(outcome.acceptor.state, State::failed);
    EXPECT_TRUE(contains(outcome.dialer.error, "the cookies differ: one of the two was started with another cookie"))
        << outcome.dialer.error;
    EXPECT_TRUE(contains(outcome.acceptor.error, "the cookies differ: it has another cookie than this process"))
        << outcome.acceptor.error;
  }
}

TEST(Handshake, AnotherBuildIsToldToBothWithBothNames) {
  Identity other = identity(2);
  other.executable_build = "program-2";
  Outcome outcome = talk(identity(1), other);
  for (const std::string& error : {outcome.dialer.error, outcome.acceptor.error}) {
    EXPECT_TRUE(contains(error, "executable") && contains(error, "program-1") && contains(error, "program-2")) << error;
  }
  other = identity(2);
  other.library_build = "";
  outcome = talk(identity(1), other);
  for (const std::string& error : {outcome.dialer.error, outcome.acceptor.error}) {
    EXPECT_TRUE(contains(error, "library") && contains(error, "library-1") && contains(error, "unknown build"))
        << error;
  }
}

TEST(Handshake, BuildsAreComparedOnlyByThoseWhoKnowTheCookie) {
  Identity other = identity(2);
  other.executable_build = "program-2";
  EXPECT_TRUE(contains(talk(identity(1), other, "a", "b").dialer.error, "cookies differ"));
}

TEST(Handshake, LongBuildTextsAreCut) {
  Identity mine = identity(1);
  mine.executable_build = std::string(1000, 'x');
  mine.library_build = std::string(70'000, 'y');
  EXPECT_EQ(talk(mine, mine).dialer.state, State::done);
}

TEST(Handshake, StrangersAreRefusedByTheirFirstBytes) {
  for (const std::string stranger :
       {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "\x16\x03\x01\x02\x00\x01"}) {
    for (Role role : {Role::dialer, Role::acceptor}) {
      Handshake side(role, identity(1), "cookie");
      side.start();
      Bytes in(std::as_bytes(std::span(stranger)));
      const Handshake::Step step = feed(side, in);
      EXPECT_EQ(step.state, State::failed) << stranger;
      EXPECT_TRUE(contains(step.error, "not a cohort process")) << step.error;
    }
  }
  Handshake side(Role::acceptor, identity(1), "cookie");
  Bytes in(std::as_bytes(std::span("GET / HTTP", 10)));
  EXPECT_TRUE(contains(feed(side, in).error, "\"GET / HT\""));
}

TEST(Handshake, EveryChangedByteIsNoticed) {
  // In each of the messages, each byte in turn.
  for (int message = 0; message < 4; ++message) {
    for (std::size_t place = 0;; ++place) {
      Handshake dialer(Role::dialer, identity(1), "cookie");
      Handshake acceptor(Role::acceptor, identity(2), "cookie");
      Handshake* sides[] = {&acceptor, &dialer, &acceptor, &dialer};
      Bytes in = dialer.start();
      for (int i = 0; i < message; ++i) in = feed(*sides[i], in).out;
      if (place == in.size()) break;
      in[place] ^= std::byte{1};
      State last = State::more;
      for (int i = message; i < 4 && last != State::failed; ++i) {
        const Handshake::Step step = feed(*sides[i], in);
        last = step.state;
        in = step.out;
      }
      EXPECT_NE(last, State::done) << "message " << message << " byte " << place;
    }
  }
}

// Else it could try at home which cookie fits.
TEST(Handshake, WhoeverDialsGetsNothingThatDependsOnTheCookie) {
  Handshake stranger(Role::dialer, identity(1), "other");
  Handshake acceptor(Role::acceptor, identity(2), "cookie");
  Bytes hello = stranger.start();
  const std::size_t size = hello.size();
  Bytes answer = feed(acceptor, hello).out;
  EXPECT_EQ(answer.size(), size) << "a greeting, without a proof";
  Bytes proof = feed(stranger, answer).out;
  const std::string refusal = text_of(feed(acceptor, proof).out.span());
  Handshake another(Role::acceptor, identity(2), "yet another");
  Handshake again(Role::dialer, identity(1), "other");
  hello = again.start();
  answer = feed(another, hello).out;
  proof = feed(again, answer).out;
  EXPECT_EQ(text_of(feed(another, proof).out.span()), refusal);
}

TEST(Handshake, AnEchoDoesNotPassForAPeer) {
  // Without the cookie, all that can be sent is what the side itself sent.
  Handshake dialer(Role::dialer, identity(1), "cookie");
  Bytes echo = dialer.start();
  Bytes proof = feed(dialer, echo).out;
  ASSERT_EQ(proof.size(), 35u);
  proof[2] = std::byte{3};  // as an accept
  const Handshake::Step step = feed(dialer, proof);
  EXPECT_EQ(step.state, State::failed);
  EXPECT_TRUE(contains(step.error, "does not know the cookie")) << step.error;
}

TEST(Handshake, AReplayDoesNotPass) {
  Handshake dialer(Role::dialer, identity(1), "cookie");
  Handshake acceptor(Role::acceptor, identity(2), "cookie");
  Bytes hello = dialer.start();
  Bytes heard = hello;
  Bytes answer = feed(acceptor, hello).out;
  const Bytes proof = feed(dialer, answer).out;
  heard.append(proof.data(), proof.size());
  Handshake later(Role::acceptor, identity(2), "cookie");
  EXPECT_EQ(feed(later, heard).state, State::failed);
}

TEST(Handshake, ProofOfTheWrongLengthOrKind) {
  for (const std::string& message : {std::string("\1\0\2", 3), std::string("\2\0\2x", 4), std::string("\1\0\3", 3),
                                     std::string("\1\0\x09", 3), std::string("\0\0", 2), std::string("\xff\xff", 2)}) {
    Handshake acceptor(Role::acceptor, identity(2), "cookie");
    Handshake dialer(Role::dialer, identity(1), "cookie");
    Bytes hello = dialer.start();
    feed(acceptor, hello);
    Bytes in(std::as_bytes(std::span(message)));
    EXPECT_EQ(feed(acceptor, in).state, State::failed);
  }
}

TEST(Handshake, ARefusalOfAStrangerIsMadePrintableAndShort) {
  Handshake dialer(Role::dialer, identity(1), "cookie");
  dialer.start();
  std::string message("\xf0\3\4\1\033[31mred\n", 13);
  message.resize(2 + 0x3f0, 'x');
  Bytes in(std::as_bytes(std::span(message)));
  const std::string error = feed(dialer, in).error;
  EXPECT_TRUE(contains(error, "the peer refused: ?[31mred?xxx")) << error;
  EXPECT_LT(error.size(), 450u);
}

TEST(Handshake, SaysAtWhichStepThePeerLeft) {
  Handshake dialer(Role::dialer, identity(1), "cookie");
  Handshake acceptor(Role::acceptor, identity(2), "cookie");
  std::vector<std::string> messages{dialer.closed_message(), acceptor.closed_message()};
  Bytes hello = dialer.start();
  Bytes answer = feed(acceptor, hello).out;
  messages.push_back(acceptor.closed_message());
  feed(dialer, answer);
  messages.push_back(dialer.closed_message());
  std::sort(messages.begin(), messages.end());
  EXPECT_EQ(std::unique(messages.begin(), messages.end()), messages.end());
  for (const std::string& text : messages) EXPECT_TRUE(contains(text, "closed the connection"));
}

/// One token, number 7.
class OneToken final : public JoinTokens {
 public:
  std::optional<std::string> secret_of_token(std::int32_t number) override {
    return number == 7 && !is_used ? std::optional<std::string>("the token") : std::nullopt;
  }
  bool use_token(std::int32_t number) override { return number == 7 && !std::exchange(is_used, true); }
  bool is_used = false;
};

TEST(Handshake, ATokenIsGoodForOneWorkerWhichIsToldTheCookie) {
  for (std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
    const auto tokens = std::make_shared<OneToken>();
    const std::string cookie(4096, 'c');
    Handshake dialer(Role::dialer, identity(-7), "the token");
    Handshake acceptor(Role::acceptor, identity(1), cookie, tokens);
    const Outcome outcome = talk(dialer, acceptor, piece);
    EXPECT_EQ(outcome.dialer.state, State::done) << outcome.dialer.error;
    EXPECT_EQ(outcome.acceptor.state, State::done) << outcome.acceptor.error;
    EXPECT_EQ(dialer.cookie(), cookie);
    EXPECT_FALSE(contains(text_of(outcome.acceptor.out.span()), "cccc"));
    EXPECT_TRUE(tokens->is_used);

    Handshake again(Role::dialer, identity(-7), "the token");
    Handshake second(Role::acceptor, identity(1), cookie, tokens);
    const Outcome refused = talk(again, second, piece);
    EXPECT_EQ(refused.dialer.error,
              "the peer refused: its join token was used, or is not one of this cluster: each is good for one worker");
    EXPECT_EQ(refused.acceptor.error, "refused: it has a join token that was used, or is not one of this cluster");
    EXPECT_EQ(again.cookie(), "");
  }
}

TEST(Handshake, ATokenOfWhichOnlyTheNumberIsKnownStaysGood) {
  const auto tokens = std::make_shared<OneToken>();
  for (const auto& [number, secret] : {std::pair(-7, "a guess"), std::pair(-8, "the token"), std::pair(-7, "cookie"),
                                       std::pair(std::numeric_limits<std::int32_t>::min(), "the token")}) {
    Handshake dialer(Role::dialer, identity(number), secret);
    Handshake acceptor(Role::acceptor, identity(1), "cookie", tokens);
    const Outcome outcome = talk(dialer, acceptor);
    EXPECT_EQ(outcome.acceptor.state, State::failed);
    EXPECT_EQ(outcome.dialer.state, State::failed);
    EXPECT_TRUE(contains(outcome.dialer.error, "its join token was used")) << outcome.dialer.error;
  }
  EXPECT_FALSE(tokens->is_used);
}

TEST(Handshake, OfTwoThatHaveTheSameTokenTheFirstThatProvesItIsLetIn) {
  const auto tokens = std::make_shared<OneToken>();
  Handshake first(Role::dialer, identity(-7), "the token"), second(Role::dialer, identity(-7), "the token");
  Handshake of_first(Role::acceptor, identity(1), "cookie", tokens);
  Handshake of_second(Role::acceptor, identity(1), "cookie", tokens);
  Bytes hello = second.start();
  Bytes answer = feed(of_second, hello).out;  // both hellos are there before a proof is
  EXPECT_EQ(talk(first, of_first).dialer.state, State::done);
  Bytes proof = feed(second, answer).out;
  const auto step = feed(of_second, proof);
  EXPECT_EQ(step.state, State::failed);
  EXPECT_EQ(step.error, "refused: it has a join token that was used, or is not one of this cluster");
}

TEST(Handshake, AMasterWithoutTokensRefusesOne) {
  Handshake dialer(Role::dialer, identity(-7), "cookie");
  Handshake acceptor(Role::acceptor, identity(1), "cookie");
  EXPECT_EQ(talk(dialer, acceptor).acceptor.state, State::failed);
}

TEST(Handshake, ACookieThatWasChangedOnItsWayIsNotTaken) {
  const auto tokens = std::make_shared<OneToken>();
  Handshake dialer(Role::dialer, identity(-7), "the token");
  Handshake acceptor(Role::acceptor, identity(1), "the cookie of this cluster", tokens);
  Bytes hello = dialer.start();
  Bytes answer = feed(acceptor, hello).out;
  Bytes proof = feed(dialer, answer).out;
  Bytes accept = feed(acceptor, proof).out;
  accept.data()[accept.size() - 1] ^= std::byte{1};
  EXPECT_EQ(feed(dialer, accept).state, State::failed);
}

TEST(Handshake, SecretsAreNotSaid) {
  const std::string cookie = "a-very-recognisable-cookie";
  Handshake dialer(Role::dialer, identity(1), cookie);
  Handshake acceptor(Role::acceptor, identity(2), cookie);
  Bytes hello = dialer.start();
  std::string heard = text_of(hello.span());
  Bytes answer = feed(acceptor, hello).out;
  heard += text_of(answer.span());
  heard += text_of(feed(dialer, answer).out.span());
  EXPECT_FALSE(contains(heard, "recognisable"));
}

}  // namespace
}  // namespace cohort
