// Workers of this host, which are connected through memory that they share with the master, and members gone wrong
// there.

#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cluster_test.hpp"
#include "common/ring_offer.hpp"
#include "common/unix_socket.hpp"
#include "connections.hpp"
#include "raw_peer.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using cohort_shm::Ring;
using cohort_shm::RingState;

class RingsTest : public ClusterTest {};

std::size_t descriptors_here() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// The states of the rings that this process has mapped.
std::vector<RingState*> ring_states_here() {
  std::vector<RingState*> states;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:cohort-ring") == line.npos) continue;
    auto* first = reinterpret_cast<RingState*>(std::stoull(line, nullptr, 16));
    states.insert(states.end(), {first, first + 1});
  }
  return states;
}

// It ends when the master has read a part of what it sends, and the ring is full of the rest.
Array<double> killed_in_the_middle() {
  std::thread([] {
    const auto states = ring_states_here();
    while (true) {
      for (const RingState* state : states)
        if (state->read > 8 << 20) raise(SIGKILL);
      std::this_thread::yield();
    }
  }).detach();
  return Array<double>(std::vector<double>((64 << 20) / sizeof(double), 1.0));
}

TEST_F(RingsTest, AWorkerKilledInTheMiddleOfALargeResultLeavesNothing) {
  const Pid other = addprocs(1).front();
  remotecall_fetch([] {}, other);
  const int rings = rings_here();
  EXPECT_EQ(rings, 1);
  const std::size_t descriptors = descriptors_here();
  for (int i = 0; i < 3; ++i) {
    const Pid worker = addprocs(1).front();
    EXPECT_EQ(rings_here(), rings + 1);
    const std::string error = thrown_by([&] { remotecall_fetch(fn<killed_in_the_middle>, worker); });
    EXPECT_TRUE(contains(error, "signal 9")) << error;
    EXPECT_TRUE(eventually([&] { return nprocs() == 2; }));
  }
  EXPECT_TRUE(eventually([&] { return rings_here() == rings; })) << rings_here();
  EXPECT_TRUE(eventually([&] { return descriptors_here() <= descriptors; })) << descriptors_here();
  EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, other, 41), 42);
}

/// A member of the cluster that shares memory with a worker, and need not keep to any rule there.
class RingPeer {
 public:
  explicit RingPeer(Pid worker) {
    const std::string name = "@cohort-shm-127.0.0.1:" + std::to_string(listening_port(worker));
    const auto deadline = deadline_after(20s);
    link_ = cohort_shm::take_link(cohort_sockets::dial({name, "test"}, deadline, "test"), deadline, "test");
    if (link_ == nullptr) throw Error("the worker offers no memory");
    pair_ = cohort_shm::make_ring_pair(link_);
  }

  void send(std::span<const std::byte> bytes) {
    const iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    if (!bytes.empty()) pair_.writer->write({&part, 1});
  }
  /// What comes next: "" at the end of the connection. @throws Error if nothing comes.
  std::string receive() {
    std::array<std::byte, 4096> buffer;
    ssize_t count;
    while ((count = pair_.reader->read(buffer)) == -EAGAIN) {
      pollfd input{pair_.reader->descriptor(), POLLIN, 0};
      if (poll(&input, 1, 20'000) <= 0) throw Error("nothing came");
    }
    return count <= 0 ? "" : std::string(reinterpret_cast<char*>(buffer.data()), static_cast<std::size_t>(count));
  }
  /// All that comes up to the end of the connection.
  std::string receive_all() {
    std::string all;
    for (std::string text = receive(); !text.empty(); text = receive()) all += text;
    return all;
  }

  const Ring& to_worker() const { return link_->out(); }
  const Ring& from_worker() const { return link_->in(); }
  void ring() const { [[maybe_unused]] const ssize_t n = ::write(link_->bell_out(), "x", 1); }

 private:
  std::shared_ptr<cohort_shm::Link> link_;
  IoPair pair_;
};

TEST_F(RingsTest, AMemberThatBreaksTheRulesOfItsRingIsToldAndEndsItsConnectionOnly) {
  const Pid worker = addprocs(1).front();
  RingPeer peer(worker);
  ASSERT_EQ(shake_hands(peer, Handshake::Role::dialer, identity_of(900), cluster_cookie()), "");
  peer.to_worker().state->written = std::uint64_t{1} << 60;
  peer.ring();
  const std::string last_words = peer.receive_all();
  EXPECT_TRUE(contains(last_words, "broke the rules of the ring")) << last_words;
  EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, worker, 41), 42);
}

TEST_F(RingsTest, AMemberThatFillsItsRingWithGarbageDoesNoHarm) {
  const Pid worker = addprocs(1).front();
  remotecall_fetch([] {}, worker);
  const auto rings_there = [&] { return remotecall_fetch([] { return rings_here(); }, worker); };
  const auto descriptors_there = [&] { return remotecall_fetch([] { return descriptors_here(); }, worker); };
  const int rings = rings_there();
  const std::size_t descriptors = descriptors_there();
  std::mt19937_64 random(3);
  for (int round = 0; round < 30; ++round) {
    RingPeer peer(worker);
    ASSERT_EQ(shake_hands(peer, Handshake::Role::dialer, identity_of(900 + round), cluster_cookie()), "");
    const auto garbage = [&](void* memory, std::size_t size) {
      auto* words = static_cast<std::uint64_t*>(memory);
      for (std::size_t i = 0; i < size / sizeof *words; ++i) words[i] = random();
    };
    garbage(peer.to_worker().bytes, peer.to_worker().capacity);
    switch (round % 3) {
      case 0:  // as if it had been written properly
        peer.to_worker().state->written += 1 + random() % (1 << 16);
        break;
      case 1:
        garbage(peer.to_worker().state, sizeof(RingState));
        break;
      default:
        garbage(peer.from_worker().state, sizeof(RingState));
        garbage(peer.to_worker().state, sizeof(RingState));
    }
    for (int i = 0; i < 3; ++i) peer.ring();
    EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, worker, 41), 42);
  }
  EXPECT_TRUE(eventually([&] { return rings_there() <= rings; })) << rings_there();
  EXPECT_TRUE(eventually([&] { return descriptors_there() <= descriptors; })) << descriptors_there();
}

}  // namespace
}  // namespace cohort::test
