// Strangers, and members gone wrong, at a worker's TCP port or Unix socket: they do no harm.

#include <algorithm>
#include <cstring>
#include <list>
#include <optional>
#include <random>
#include <vector>

#include "cluster_test.hpp"
#include "raw_peer.hpp"
#include "wire/frame.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class HostileTest : public ClusterTest {
 protected:
  /// A worker that waits this long for strangers.
  void start_worker(Duration handshake) {
    AddprocsOptions options;
    options.timeouts = Timeouts{.handshake = handshake, .heartbeat = 200ms};
    worker_ = addprocs(1, options).front();
    port_ = listening_port(worker_);
    if (port_ == 0) path_ = remotecall_fetch([] { return listening_path(); }, worker_);
  }
  /// A connection to where it listens.
  RawPeer dial() const { return port_ != 0 ? RawPeer(port_) : RawPeer(path_); }
  void expect_unharmed() {
    EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, worker_, 41), 42);
  }
  int open_sockets() {
    return remotecall_fetch(
        [] {
          int count = 0;
          for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code gone;
            count += std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:");
          }
          return count;
        },
        worker_);
  }
  std::size_t resident_kib() {
    return remotecall_fetch(
        [] {
          std::ifstream status("/proc/self/status");
          std::string word;
          std::size_t size = 0;
          while (status >> word && word != "VmRSS:") {
          }
          status >> size;
          return size;
        },
        worker_);
  }
  /// A connection on which the handshake is done.
  std::string join_as(RawPeer& peer, Pid pid) {
    return peer.shake_hands(Handshake::Role::dialer, identity_of(pid), cluster_cookie());
  }

  Pid worker_ = no_pid;
  int port_ = 0;
  std::string path_;
};

std::string random_bytes(std::size_t size) {
  static std::mt19937 engine(1);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(engine());
  return text;
}

std::string greeting(Identity mine = identity_of(9)) {
  const Bytes hello = Handshake(Handshake::Role::dialer, std::move(mine), "x").start();
  return {reinterpret_cast<const char*>(hello.data()), hello.size()};
}

std::string frame(FrameHeader header) { return {reinterpret_cast<const char*>(&header), sizeof header}; }

TEST_F(HostileTest, WhatIsNoGreetingIsRefusedAtOnce) {
  start_worker(5min);
  std::string wrong_magic = greeting();
  wrong_magic[3] ^= 1;
  std::string long_size = greeting();
  long_size[0] = long_size[1] = '\xff';
  const std::vector<std::string> harms{
      random_bytes(32) + std::string(4096, 'x'),
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      std::string(64, '\0'),
      wrong_magic,
      long_size,
      greeting() + greeting(),                                     // the proof is missing
      greeting() + std::string("\x21\0\2", 3) + random_bytes(32),  // a proof by guessing
      std::string("\2\0\4\1", 4),                                  // it refuses
  };
  for (const auto& harm : harms) {
    RawPeer peer = dial();
    peer.send(harm);
    EXPECT_TRUE(peer.ends()) << harm.substr(0, 40);
    expect_unharmed();
  }
  EXPECT_EQ(workers(), std::vector<Pid>{worker_});
}

TEST_F(HostileTest, ThousandsOfStrangersLeaveNothingBehind) {
  start_worker(5min);
  const auto harm = [&](int rounds) {
    for (int i = 0; i < rounds; i++) {
      RawPeer peer = dial();
      if (i % 3 == 1) peer.send(random_bytes(100));
      if (i % 3 == 2) peer.send(greeting().substr(0, 30));
    }
    expect_unharmed();
  };
  harm(300);
  const int sockets = open_sockets();
  const std::size_t before = resident_kib();
  harm(3000);
  EXPECT_TRUE(eventually([&] { return open_sockets() <= sockets; }));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those keep what was freed for a while
  EXPECT_LT(resident_kib(), before + 2048);
#else
  static_cast<void>(before);
#endif
}

TEST_F(HostileTest, IdleStrangersAreFewAndKeepNobodyOut) {
  start_worker(5min);
  const int before = open_sockets();
  std::list<RawPeer> idle;
  for (int i = 0; i < 100; i++) idle.push_back(dial());
  auto oldest = idle.begin();
  for (int i = 0; i < 100 - 64; i++) EXPECT_TRUE((oldest++)->ends()) << i;
  EXPECT_TRUE(eventually([&] { return open_sockets() <= before + 64; })) << open_sockets();
  EXPECT_GE(open_sockets(), before + 60);
  expect_unharmed();
  const Pid other = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch([](Pid to) { return remotecall_fetch([] { return myid(); }, to); }, other, worker_),
            worker_);
}

TEST_F(HostileTest, IdleStrangersAreClosedAtTheDeadline) {
  start_worker(500ms);
  const int before = open_sockets();
  std::list<RawPeer> idle;
  for (int i = 0; i < 50; i++) idle.push_back(dial());
  for (auto& peer : idle) EXPECT_TRUE(peer.ends());
  EXPECT_TRUE(eventually([&] { return open_sockets() <= before; }));
  expect_unharmed();
}

TEST_F(HostileTest, ASlowGreetingDoesNotMoveTheDeadline) {
  start_worker(500ms);
  RawPeer slow = dial();
  const std::string text = greeting();
  ASSERT_GT(text.size(), 60u);
  std::size_t sent = 0;
  while (sent < text.size() && !slow.ends(50ms)) slow.send(text.substr(sent++, 1));
  EXPECT_LT(sent, text.size());
  expect_unharmed();
}

TEST_F(HostileTest, AMembersBrokenFrameEndsItsConnectionOnly) {
  start_worker(5min);
  FrameHeader reserved{};
  reserved.kind = FrameKind::call;
  reserved.reserved = 7;
  FrameHeader no_function{};
  no_function.kind = FrameKind::call;
  FrameHeader no_reference{};
  no_reference.kind = FrameKind::fetch;
  FrameHeader too_large{};
  too_large.kind = FrameKind::put;
  too_large.segment_count = 1;
  const std::uint64_t size = 1ull << 62;
  const std::vector<std::string> harms{
      frame(reserved), frame(no_function), frame(no_reference),
      frame(too_large) + std::string(reinterpret_cast<const char*>(&size), sizeof size), std::string(64, '\xff')};
  for (const auto& harm : harms) {
    RawPeer peer = dial();
    ASSERT_EQ(join_as(peer, 900), "");
    peer.send(harm);
    EXPECT_TRUE(peer.ends());
    expect_unharmed();
  }
}

TEST_F(HostileTest, AnnouncedSizesTakeNoMemory) {
  start_worker(5min);
  const std::size_t before = resident_kib();
  std::list<RawPeer> peers;
  for (Pid pid = 900; pid < 910; pid++) {
    ASSERT_EQ(join_as(peers.emplace_back(dial()), pid), "");
    FrameHeader large{};
    large.kind = FrameKind::call;
    large.body_size = 0xf0000000;
    peers.back().send(frame(large) + "the beginning");
  }
  expect_unharmed();
  EXPECT_LT(resident_kib(), before + 4096);
}

TEST_F(HostileTest, AnUnknownKindIsAnsweredAndTheConnectionLives) {
  start_worker(5min);
  RawPeer peer = dial();
  ASSERT_EQ(join_as(peer, 900), "");
  FrameHeader unknown{};
  unknown.kind = static_cast<FrameKind>(77);
  unknown.request = 5;
  peer.send(frame(unknown));
  std::string answer;
  while (answer.find("unknown message kind 77") == answer.npos) {
    const auto more = peer.receive();
    ASSERT_NE(more, "") << answer;
    answer += more;
  }
  peer.send(frame(unknown));
  EXPECT_NE(peer.receive(), "");
}

TEST_F(HostileTest, NobodyTakesThePlaceOfAnother) {
  start_worker(5min);
  const Pid other = addprocs(1).front();
  remotecall_fetch([](Pid to) { remotecall_fetch([] {}, to); }, other, worker_);
  for (Pid pid : {no_pid, master_pid, worker_, other}) {
    RawPeer peer = dial();
    ASSERT_EQ(join_as(peer, pid), "");
    EXPECT_TRUE(peer.ends()) << pid;
  }
  expect_unharmed();
  remotecall_fetch([](Pid to) { remotecall_fetch([] {}, to); }, other, worker_);
}

// Who has the cookie may give any number, as a worker may dial before others have heard of it.
TEST_F(HostileTest, WhoNeverWasAMemberIsListedNowhere) {
  start_worker(20s);
  const int sockets = open_sockets();
  const auto listed_there = [this] { return remotecall_fetch([] { return procs(); }, worker_); };
  {
    RawPeer stranger = dial();
    ASSERT_EQ(join_as(stranger, 77), "");
    FrameHeader question{};
    question.kind = FrameKind::ping;
    question.request = 1;
    stranger.send(frame(question));
    EXPECT_NE(stranger.receive(), "");  // the worker has taken it in
    EXPECT_EQ(listed_there(), procs());
  }
  EXPECT_TRUE(eventually([&] { return open_sockets() == sockets; }));
  EXPECT_EQ(listed_there(), procs());
  for (int i = 0; i < 4; i++) {
    EXPECT_NE(remotecall_fetch([] { return spawnat(any, [] { return myid(); }).fetch(); }, worker_), 77);
  }
  expect_unharmed();
}

TEST_F(HostileTest, OnlyTheMasterManages) {
  start_worker(5min);
  RawPeer peer = dial();
  ASSERT_EQ(join_as(peer, 900), "");
  FrameHeader leave{};
  leave.kind = FrameKind::leave;
  peer.send(frame(leave));
  leave.request = 5;
  peer.send(frame(leave));
  EXPECT_NE(peer.receive(), "");
  expect_unharmed();
}

// Its answers may wait behind what it sends; so the worker must be heard without being asked.
TEST_F(HostileTest, AMemberThatSendsAllTheTimeIsPingedAllTheSame) {
  start_worker(5min);
  RawPeer peer = dial();
  ASSERT_EQ(join_as(peer, 900), "");
  FrameHeader pong{};
  pong.kind = FrameKind::pong;
  std::size_t received = 0;
  EXPECT_TRUE(eventually([&] {
    peer.send(frame(pong));
    try {
      received += peer.receive(20ms).size();
    } catch (const Error&) {
    }
    return received >= 3 * sizeof(FrameHeader);
  }));
}

// Nothing more is read from it than what is answered in a memory of some MiB.
TEST_F(HostileTest, AMemberThatAsksAndNeverReadsIsNotReadFromEither) {
  start_worker(5min);
  const std::size_t before = resident_kib();
  RawPeer peer = dial();
  ASSERT_EQ(join_as(peer, 900), "");
  FrameHeader ping{};
  ping.kind = FrameKind::ping;
  std::string many;
  for (int i = 0; i < 4096; i++) many += frame(ping);
  // Until it is no longer read from as fast as it sends; else 64 MiB, whose answers are as many.
  for (std::size_t sent = 0; sent < (std::size_t{64} << 20) && peer.send_some(bytes_of(many), 50ms);
       sent += many.size()) {
  }
  expect_unharmed();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_kib(), before + (32 << 10));
#else
  static_cast<void>(before);
#endif
}

// What names it is looked at where nothing may be thrown any more.
TEST_F(HostileTest, AnAnswerWithAReferenceOfNoKnownKindEndsTheConnectionOnly) {
  start_worker(5min);
  RawPeer peer = dial();
  ASSERT_EQ(join_as(peer, 900), "");
  auto called = remotecall([] { remotecall([] {}, 900).wait(); }, worker_);
  std::string received;
  const auto call_in = [&]() -> std::optional<FrameHeader> {
    for (std::string_view left = received; left.size() >= sizeof(FrameHeader);) {
      FrameHeader header;
      std::memcpy(&header, left.data(), sizeof header);
      if (header.kind == FrameKind::call) return header;
      left.remove_prefix(std::min(left.size(), sizeof header + header.body_size));
    }
    return std::nullopt;
  };
  while (!call_in()) {
    const std::string more = peer.receive();
    ASSERT_NE(more, "");
    received += more;
  }
  FrameHeader answer{};
  answer.kind = FrameKind::result;
  answer.request = call_in()->request;
  answer.reference_count = 1;
  const ReferenceEntry unknown{1, 900, std::uint64_t{9} << 56};
  peer.send(frame(answer) + std::string(reinterpret_cast<const char*>(&unknown), sizeof unknown));
  EXPECT_TRUE(peer.ends());
  EXPECT_NE(thrown_by([&] { called.fetch(); }), "");
  expect_unharmed();
}

}  // namespace
}  // namespace cohort::test
