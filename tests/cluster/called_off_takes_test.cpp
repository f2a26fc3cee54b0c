// Takes from stores and channels of the program's own that are called off while an item comes.

#include <signal.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using CalledOffTakesTest = ClusterTest;

class Shelf {
 public:
  void put(const std::string& key, int value) { at(key).put(value); }
  int take(const std::string& key) {
    takers_++;
    return at(key).take();
  }
  int takers() const { return takers_; }

 private:
  Channel<int> at(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.try_emplace(key, 1).first->second;
  }
  std::mutex mutex_;
  std::map<std::string, Channel<int>> values_;
  std::atomic<int> takers_ = 0;
};

struct OwnChannel final : AbstractChannel<int> {
  Channel<int> items{4};
  void put(int value) override { items.put(value); }
  int take() override { return items.take(); }
  int fetch() override { return items.fetch(); }
  void wait() override { items.wait(); }
  bool is_ready() override { return items.is_ready(); }
  std::size_t size() override { return items.size(); }
  bool is_open() override { return items.is_open(); }
  void close(std::exception_ptr reason) override { items.close(reason); }
};
constexpr auto make_own = []() -> std::shared_ptr<AbstractChannel<int>> { return std::make_shared<OwnChannel>(); };

const WaitOptions soon() { return {.deadline = 20ms, .stop_token = {}}; }
const WaitOptions in_time() { return {.deadline = 20s, .stop_token = {}}; }

TEST_F(CalledOffTakesTest, ATakeThatGaveUpLeavesTheNextItemOfAStore) {
  const Pid pid = addprocs(1).front();
  for (int i = 0; i < 20; i++) {
    const auto words = RemoteStore<Shelf>::on(pid);
    ASSERT_THROW(words.call_with<&Shelf::take>(soon(), "one"), TimeoutError);
    words.call<&Shelf::put>("one", i);
    ASSERT_EQ(words.call_with<&Shelf::take>(in_time(), "one"), i);
  }
}

TEST_F(CalledOffTakesTest, ATakeThatGaveUpLeavesTheNextItemOfAnOwnChannel) {
  const Pid pid = addprocs(1).front();
  for (int i = 0; i < 20; i++) {
    const RemoteChannel<int> channel(make_own, pid);
    ASSERT_THROW(channel.take(soon()), TimeoutError);
    channel.put(i);
    ASSERT_EQ(channel.take(in_time()), i);
  }
}

// Most of them give up as the item comes: either they have it, or it is still there.
TEST_F(CalledOffTakesTest, NoItemIsLostWhereItComesAsATakeGivesUp) {
  addprocs(2);
  for (const Pid owner : {1, 2}) {
    const RemoteChannel<int> channel(make_own, owner);
    int taken = 0;
    constexpr int rounds = 200;
    auto producer = remotecall(
        [](const RemoteChannel<int>& out) {
          for (int i = 0; i < rounds; i++) out.put(1);
        },
        3, channel);
    while (taken < rounds) {
      try {
        taken += channel.take({.deadline = std::chrono::microseconds(300), .stop_token = {}});
      } catch (const TimeoutError&) {
        if (producer.is_ready() && channel.size() == 0) break;
      }
    }
    producer.wait();
    EXPECT_EQ(taken, rounds);
  }
}

TEST_F(CalledOffTakesTest, ATakerThatIsKilledLeavesTheNextItem) {
  addprocs(2);
  const auto words = RemoteStore<Shelf>::on(2);
  remote_do([](const RemoteStore<Shelf>& store) { store.call<&Shelf::take>("one"); }, 3, words);
  ASSERT_TRUE(eventually([&] { return words.call<&Shelf::takers>() == 1; }));
  remote_do([] { kill(getpid(), SIGKILL); }, 3);
  ASSERT_TRUE(eventually([] { return workers() == std::vector<Pid>{2}; }));
  words.call<&Shelf::put>("one", 7);
  EXPECT_EQ(words.call_with<&Shelf::take>(in_time(), "one"), 7);
}

TEST_F(CalledOffTakesTest, AStoreOfTheOwnProcessIsNotWaitedForLonger) {
  const RemoteChannel<int> channel(make_own);
  EXPECT_THROW(channel.take(soon()), TimeoutError);
  EXPECT_THROW(channel.wait(soon()), TimeoutError);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(channel.take({.deadline = {}, .stop_token = stop.get_token()}), CancelledException);
  channel.put(5);
  EXPECT_EQ(channel.take(in_time()), 5);
  const RemoteStore<Shelf> words(std::make_shared<Shelf>());
  EXPECT_THROW(words.call_with<&Shelf::take>(soon(), "one"), TimeoutError);
}

TEST_F(CalledOffTakesTest, ACallOfTheOwnProcessIsCalledOff) {
  const auto wait_long = [](Future<int> never) { return never.fetch(); };
  EXPECT_THROW(remotecall_fetch(soon(), wait_long, myid(), Future<int>(myid())), TimeoutError);
  const auto look = [] {
    eventually([] { return this_call().stop_requested(); });
    interruption_point();
    return 1;
  };
  EXPECT_THROW(remotecall_fetch(soon(), look, myid()), TimeoutError);
  EXPECT_FALSE(this_call().stop_requested());
  const auto own_failure = []() -> int { throw std::out_of_range("its own"); };
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch(soon(), own_failure, myid()); }), "its own"));
  // The inner one may take its time, the outer one not.
  const auto outer = [] {
    return remotecall_fetch(
        {.deadline = 20s, .stop_token = {}}, [](Future<int> f) { return f.fetch(); }, myid(), Future<int>(myid()));
  };
  EXPECT_THROW(remotecall_fetch(soon(), outer, myid()), TimeoutError);
}

}  // namespace
}  // namespace cohort::test
