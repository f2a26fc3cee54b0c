// Group K, within one process: channels between threads.

#include <atomic>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ChannelsTest = ClusterTest;

TEST_F(ChannelsTest, FirstInFirstOutAndFetchLeavesTheItem) {
  Channel<std::string> channel(unlimited);
  EXPECT_FALSE(channel.is_ready());
  EXPECT_TRUE(channel.is_empty());
  channel.put("one").put("two").put("three");
  EXPECT_TRUE(channel.is_ready());
  EXPECT_EQ(channel.size(), 3u);
  EXPECT_EQ(channel.fetch(), "one");
  EXPECT_EQ(channel.wait().fetch(), "one");
  EXPECT_EQ(channel.take(), "one");
  EXPECT_EQ(channel.take(), "two");
  EXPECT_EQ(channel.try_take(), "three");
  EXPECT_EQ(channel.try_take(), std::nullopt);
}

TEST_F(ChannelsTest, AFullChannelMakesPutWait) {
  Channel<int> channel(2);
  EXPECT_TRUE(channel.try_put(1));
  channel.put(2);
  EXPECT_FALSE(channel.try_put(3));
  EXPECT_THROW(channel.put(3, {.deadline = milliseconds(5)}), TimeoutError);
  std::jthread putter([&] { channel.put(4); });
  EXPECT_EQ(channel.take(), 1);
  EXPECT_EQ(channel.take(), 2);
  EXPECT_EQ(channel.take(), 4);
  EXPECT_TRUE(channel.is_empty());
}

TEST_F(ChannelsTest, WithoutCapacityAnItemGoesFromHandToHand) {
  Channel<int> channel(0);
  EXPECT_FALSE(channel.try_put(1));
  EXPECT_THROW(channel.put(1, {.deadline = milliseconds(5)}), TimeoutError);
  EXPECT_FALSE(channel.is_ready());
  std::atomic<bool> returned{false};
  std::jthread putter([&] {
    channel.put(2);
    returned = true;
  });
  channel.wait();
  EXPECT_EQ(channel.fetch(), 2);
  EXPECT_FALSE(returned);
  EXPECT_EQ(channel.size(), 0u);
  EXPECT_EQ(channel.take(), 2);
  EXPECT_TRUE(eventually([&] { return returned.load(); }));
}

TEST_F(ChannelsTest, ItemsNeedNotBeCopyable) {
  Channel<std::unique_ptr<int>> channel(1);
  channel.put(std::make_unique<int>(7));
  EXPECT_EQ(*channel.take(), 7);
}

TEST_F(ChannelsTest, AfterCloseTheRestIsTakenAndThenItThrows) {
  Channel<int> channel(4);
  channel.put(1).put(2);
  channel.close();
  channel.close(std::make_exception_ptr(std::runtime_error("too late to count")));
  EXPECT_FALSE(channel.is_open());
  EXPECT_THROW(channel.put(3), ChannelClosedError);
  EXPECT_EQ(channel.take(), 1);
  EXPECT_EQ(channel.fetch(), 2);
  EXPECT_EQ(channel.take(), 2);
  EXPECT_THROW(channel.take(), ChannelClosedError);
  EXPECT_THROW(channel.fetch(), ChannelClosedError);
  EXPECT_THROW(channel.wait(), ChannelClosedError);
}

TEST_F(ChannelsTest, CloseReleasesEverybodyWithItsReason) {
  Channel<int> empty(1), full(0);
  std::atomic<int> released{0};
  {
    std::vector<std::jthread> threads;
    const auto expect_released = [&](auto body) {
      threads.emplace_back([&, body] { released += thrown_by<std::runtime_error>(body) == "no more"; });
    };
    expect_released([&] { empty.take(); });
    expect_released([&] { empty.fetch(); });
    expect_released([&] { empty.wait(); });
    expect_released([&] { full.put(1); });
    ASSERT_TRUE(eventually([&] { return full.is_ready(); }));
    for (const auto& channel : {empty, full}) channel.close(std::make_exception_ptr(std::runtime_error("no more")));
  }
  EXPECT_EQ(released, 4);
}

TEST_F(ChannelsTest, IterationEndsAtCloseAndThrowsOtherReasons) {
  Channel<int> channel(3);
  std::jthread producer([&] {
    for (int i = 1; i <= 100; i++) channel.put(i);
    channel.close();
  });
  int sum = 0;
  for (int item : channel) sum += item;
  EXPECT_EQ(sum, 5050);

  Channel<int> failing(1);
  failing.put(1);
  failing.close(std::make_exception_ptr(std::domain_error("broken")));
  int items = 0;
  EXPECT_THROW(
      {
        for (int item : failing) items += item;
      },
      std::domain_error);
  EXPECT_EQ(items, 1);
}

TEST_F(ChannelsTest, TakersAreServedInTheOrderInWhichTheyCame) {
  Channel<int> channel(0), order(unlimited);
  // This process runs one function at a time: the next one starts when the one before waits.
  std::vector<Future<void>> takers;
  for (int i = 0; i < 5; i++) takers.push_back(async([&, i] { order.put(i * 100 + channel.take()); }));
  async([] {}).wait();
  for (int i = 0; i < 5; i++) {
    channel.put(i);
    EXPECT_EQ(order.take(), i * 101);
  }
}

// Takers that are called off all the time, by deadline and by stop token: every item arrives once.
TEST_F(ChannelsTest, TakesThatAreCalledOffLoseNothing) {
  constexpr int items = 20'000;
  Channel<int> channel(2);
  std::vector<std::atomic<int>> seen(items);
  std::atomic<int> taken{0}, called_off{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; t++) {
      threads.emplace_back([&, t] {
        try {
          for (;;) {
            std::stop_source stop;
            std::jthread stopper;
            if (t == 0) stopper = std::jthread([&stop] { stop.request_stop(); });
            const Deadline deadline = t < 2 ? Deadline() : Deadline(std::chrono::microseconds(t * 10));
            try {
              const int item = channel.take({.deadline = deadline, .stop_token = stop.get_token()});
              seen[static_cast<std::size_t>(item)]++;
              taken++;
            } catch (const ChannelClosedError&) {
              throw;
            } catch (const Error&) {
              called_off++;
            }
          }
        } catch (const ChannelClosedError&) {
        }
      });
    }
    for (int i = 0; i < items; i++) channel.put(i);
    channel.close();
  }
  EXPECT_EQ(taken, items);
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
  EXPECT_GT(called_off, 0);
}

TEST_F(ChannelsTest, SelectTakesFromWhicheverHasAnItem) {
  Channel<int> numbers(2);
  Channel<std::string> words(2);
  std::string got;
  const auto one = [&](WaitOptions options = {}) {
    return select(options, when(numbers, [&](int n) { got += std::to_string(n); }),
                  when(words, [&](const std::string& word) { got += word; }));
  };
  words.put("a");
  numbers.put(1);
  EXPECT_EQ(one(), 0u);
  EXPECT_EQ(one(), 1u);
  EXPECT_EQ(got, "1a");
  EXPECT_THROW(one({.deadline = milliseconds(5)}), TimeoutError);
  std::jthread later([&] { words.put("b"); });
  EXPECT_EQ(one(), 1u);
  numbers.close();
  words.put("c");
  EXPECT_EQ(one(), 1u);
  words.close();
  EXPECT_EQ(one(), std::nullopt);
  EXPECT_EQ(got, "1abc");
}

TEST_F(ChannelsTest, SelectsRaceForItemsAndLoseNone) {
  constexpr int items = 10'000;
  Channel<int> left(1), right(1);
  std::atomic<long> sum{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; t++) {
      threads.emplace_back([&, t] {
        const auto add = [&](int item) { sum += item; };
        for (;;) {
          const Deadline deadline = t == 0 ? Deadline(std::chrono::microseconds(20)) : Deadline();
          try {
            if (!select({.deadline = deadline, .stop_token = {}}, when(left, add), when(right, add))) return;
          } catch (const TimeoutError&) {
          }
        }
      });
    }
    for (int i = 1; i <= items; i++) (i % 2 ? left : right).put(i);
    left.close();
    right.close();
  }
  EXPECT_EQ(sum, long{items} * (items + 1) / 2);
}

TEST_F(ChannelsTest, AChannelBoundToATaskClosesWithIt) {
  static Channel<int> good(unlimited);
  Channel<int> bad(unlimited);
  bind(good, remotecall([] { good.put(1); }, myid()));
  EXPECT_EQ(good.take(), 1);
  EXPECT_THROW(good.take(), ChannelClosedError);
  const Pid pid = addprocs(1).front();
  bind(bad, remotecall([] { throw std::out_of_range("the task failed"); }, pid));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { bad.take(); }), "the task failed"));
}

TEST_F(ChannelsTest, AThreadThatWaitsGivesItsSlotAway) {
  const Pid pid = addprocs(1).front();
  const int sum = remotecall_fetch(
      [] {
        static Channel<int> numbers(0), sums(0);
        remote_do([] { sums.put(numbers.take() + numbers.take()); }, myid());
        remote_do([] { numbers.put(2); }, myid());
        remote_do([] { numbers.put(3); }, myid());
        return sums.take();
      },
      pid);
  EXPECT_EQ(sum, 5);
}

TEST_F(ChannelsTest, AnInterruptedTakeLeavesTheItem) {
  const Pid pid = addprocs(1).front();
  static Channel<int> channel;  // the worker's
  remotecall_fetch([] { channel = Channel<int>(1); }, pid);
  auto taker = remotecall([] { return channel.take(); }, pid);
  const auto interrupted = [&] {
    interrupt({pid});
    return taker.is_ready();
  };
  ASSERT_TRUE(eventually(interrupted));
  EXPECT_TRUE(contains(thrown_by([&] { taker.fetch(); }), "interrupted"));
  remotecall_fetch([] { channel.put(9); }, pid);
  EXPECT_EQ(remotecall_fetch([] { return channel.take(); }, pid), 9);
}

TEST_F(ChannelsTest, AHandleOnNothingSaysSo) {
  Channel<int> none;
  EXPECT_TRUE(contains(thrown_by<Error>([&] { none.take(); }), "is empty"));
}

}  // namespace
}  // namespace cohort::test
