// Group K: channels between processes.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using std::chrono::milliseconds;
using RemoteChannelsTest = ClusterTest;

void die(Pid pid) {
  remote_do([] { kill(getpid(), SIGKILL); }, pid);
}

TEST_F(RemoteChannelsTest, BehavesTheSameHereAndThere) {
  const Pid pid = addprocs(1).front();
  for (const Pid owner : {myid(), pid}) {
    RemoteChannel<std::string> channel(3, owner);
    EXPECT_EQ(channel.owner(), owner);
    EXPECT_FALSE(channel.is_ready());
    EXPECT_TRUE(channel.is_empty());
    EXPECT_TRUE(channel.is_open());
    EXPECT_EQ(&channel.put("one").put("two").put("three"), &channel);
    EXPECT_EQ(channel.size(), 3u);
    EXPECT_THROW(channel.put("four", {.deadline = milliseconds(5)}), TimeoutError);
    EXPECT_EQ(channel.fetch(), "one");
    EXPECT_EQ(channel.wait().fetch(), "one");
    EXPECT_EQ(channel.take(), "one");
    EXPECT_EQ(channel.take(), "two");
    channel.close();
    EXPECT_FALSE(channel.is_open());
    EXPECT_THROW(channel.put("five"), ChannelClosedError);
    EXPECT_EQ(channel.take(), "three");
    EXPECT_THROW(channel.take(), ChannelClosedError);
    EXPECT_THROW(channel.fetch(), ChannelClosedError);
    EXPECT_THROW(channel.wait(), ChannelClosedError);
  }
}

TEST_F(RemoteChannelsTest, BatchesKeepOrderAndCapacity) {
  const Pid pid = addprocs(1).front();
  for (const Pid owner : {myid(), pid}) {
    RemoteChannel<int> channel(3, owner);
    channel.put_all({1, 2, 3});
    EXPECT_EQ(channel.take_some(0), std::vector<int>{});
    EXPECT_EQ(channel.take_some(2), (std::vector<int>{1, 2}));
    EXPECT_THROW(channel.put_all({4, 5, 6}, {.deadline = milliseconds(20)}), TimeoutError);
    EXPECT_EQ(channel.take_some(10), (std::vector<int>{3, 4, 5}));
    EXPECT_EQ(channel.take_some(0, {.deadline = milliseconds(5)}), std::vector<int>{});
    EXPECT_THROW(channel.take_some(1, {.deadline = milliseconds(5)}), TimeoutError);
    channel.put(7);
    channel.close();
    EXPECT_THROW(channel.put_all({8}), ChannelClosedError);
    EXPECT_EQ(channel.take_some(10), std::vector<int>{7});
    EXPECT_THROW(channel.take_some(10), ChannelClosedError);
  }
}

// More than one message takes, and more than there is room for.
TEST_F(RemoteChannelsTest, ALargeBatchKeepsItsOrder) {
  const std::vector<Pid> pids = addprocs(2);
  const RemoteChannel<std::string> channel(2, pids[0]);
  const auto produce = [](const RemoteChannel<std::string>& out) {
    std::vector<std::string> items;
    for (int i = 0; i < 40; i++) items.emplace_back(100'000, static_cast<char>('0' + i));
    out.put_all(items);
  };
  const auto produced = remotecall(produce, pids[1], channel);
  for (int i = 0; i < 40; i++) {
    const std::string item = channel.take();
    ASSERT_EQ(item.size(), 100'000u);
    ASSERT_EQ(item[0], static_cast<char>('0' + i));
  }
  produced.wait();
  EXPECT_EQ(channel.size(), 0u);
}

TEST_F(RemoteChannelsTest, ProducersAndConsumersOnEitherSide) {
  const Pid pid = addprocs(1).front();
  const auto produce = [](const RemoteChannel<int>& out) {
    for (int i = 1; i <= 10; i++) out.put(i);
    out.close();
  };
  const auto consume = [](const RemoteChannel<int>& in) {
    std::vector<int> items;
    for (int item : in) items.push_back(item);
    return items;
  };
  for (const Pid owner : {myid(), pid}) {
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, unlimited}) {
      RemoteChannel<int> there(capacity, owner), back(capacity, owner);
      auto consumed = remotecall(consume, pid, there);
      produce(there);
      std::vector<int> expected(10);
      std::iota(expected.begin(), expected.end(), 1);
      EXPECT_EQ(consumed.fetch(), expected);
      remote_do(produce, pid, back);
      EXPECT_EQ(consume(back), expected);
    }
  }
}

TEST_F(RemoteChannelsTest, AnItemIsWhatItWasWhenItWasPut) {
  const Pid pid = addprocs(1).front();
  for (const Pid owner : {myid(), pid}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100'000}}) {
      RemoteChannel<std::vector<int>> channel(unlimited, owner);
      std::vector<int> value(size);
      for (int i = 1; i <= 3; i++) {
        value[0] = i;
        channel.put(value);
      }
      EXPECT_EQ(refs(owner).entries.size(), owner == myid() ? 0u : 1u);
      for (int i = 1; i <= 3; i++) EXPECT_EQ(channel.take()[0], i);
    }
  }
  // A put that waits: the taker sees it as it was.
  RemoteChannel<std::vector<int>> unbuffered(0);
  auto taken = remotecall([](const RemoteChannel<std::vector<int>>& in) { return in.take(); }, pid, unbuffered);
  std::vector<int> value{1};
  unbuffered.put(value);
  value[0] = 2;
  EXPECT_EQ(taken.fetch(), std::vector<int>{1});
}

TEST_F(RemoteChannelsTest, CloseReleasesWaitersElsewhereWithItsReason) {
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> plain(1), failed(1, pid);
  const auto take = [](const RemoteChannel<int>& in) { in.take(); };
  auto first = remotecall(take, pid, plain);
  plain.close();
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { first.wait(); }), "the channel is closed"));
  auto second = remotecall(take, pid, failed);
  failed.close(std::make_exception_ptr(std::out_of_range("no such thing")));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { second.wait(); }), "no such thing"));
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { failed.put(1); }), "no such thing"));
  try {
    plain.close();
    remotecall_fetch(take, pid, plain);
    ADD_FAILURE();
  } catch (const RemoteException& error) {
    EXPECT_THROW(std::rethrow_exception(error.cause()), ChannelClosedError);
  }
}

TEST_F(RemoteChannelsTest, TheOwnersDeathReleasesWhoeverWaits) {
  addprocs(2);
  RemoteChannel<int> channel(1, 2);
  auto taker = remotecall([](const RemoteChannel<int>& in) { return in.take(); }, 3, channel);
  std::jthread killer([] { die(2); });
  EXPECT_THROW(channel.take(), ProcessExitedException);
  EXPECT_THROW(taker.fetch(), RemoteException);
  EXPECT_THROW(channel.put(1), ProcessExitedException);
}

TEST_F(RemoteChannelsTest, AConsumerIsReleasedByTheDeathOfTheBoundProducer) {
  addprocs(2);
  for (const Pid owner : {1, 3}) {
    const Pid producer = owner == 1 ? 2 : addprocs(1).front();
    RemoteChannel<int> channel(unlimited, owner);
    bind(channel, producer);
    remotecall_fetch([](const RemoteChannel<int>& out) { out.put(1); }, producer, channel);
    std::jthread killer([producer] { die(producer); });
    int items = 0;
    try {
      for (int item : channel) items += item;
      ADD_FAILURE();
    } catch (const ProcessExitedException& error) {
      EXPECT_EQ(error.worker_id(), producer);
    }
    EXPECT_EQ(items, 1);
    EXPECT_TRUE(eventually([&] { return std::ranges::count(procs(), producer) == 0; }));
    RemoteChannel<int> late(1, owner);
    bind(late, producer);
    EXPECT_THROW(late.take(), ProcessExitedException);
  }
}

TEST_F(RemoteChannelsTest, ATakerThatDiedTakesNothing) {
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> channel(1), started(1);
  remote_do(
      [](const RemoteChannel<int>& in, const RemoteChannel<int>& out) {
        out.put(1);
        in.take();
      },
      pid, channel, started);
  started.take();
  EXPECT_FALSE(channel.is_ready());
  die(pid);
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  channel.put(42);
  EXPECT_EQ(channel.take({.deadline = std::chrono::seconds(20)}), 42);
}

TEST_F(RemoteChannelsTest, ABusyOwnerServesItsChannels) {
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> channel(2, pid);
  auto busy = remotecall(
      [] {
        while (!this_call().stop_requested()) {
        }
      },
      pid);
  RemoteChannel<int> another(1, pid);
  another.put(channel.put(1).take() + 1);
  EXPECT_EQ(another.take(), 2);
  const auto ended = [&] {
    interrupt({pid});
    return busy.is_ready();
  };
  EXPECT_TRUE(eventually(ended));
}

int threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return -1;
}

TEST_F(RemoteChannelsTest, TakersThatWaitCostTheOwnerNoThread) {
  constexpr int takers = 300;
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> channel(unlimited, pid);
  std::atomic<int> started{0}, sum{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < takers; i++) {
      threads.emplace_back([&] {
        started++;
        sum += channel.take();
      });
    }
    ASSERT_TRUE(eventually([&] { return started == takers; }));
    for (int i = 0; i < 20; i++) EXPECT_LT(remotecall_fetch(fn<threads_of_this_process>, pid), 30);
    for (int i = 0; i < takers; i++) channel.put(1);
  }
  EXPECT_EQ(sum, takers);
  EXPECT_TRUE(channel.is_empty());
}

TEST_F(RemoteChannelsTest, WaitsAreCalledOffAndTheItemStays) {
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> channel(1, pid);
  EXPECT_THROW(channel.take({.deadline = milliseconds(5)}), TimeoutError);
  EXPECT_THROW(channel.wait({.deadline = Clock::now()}), TimeoutError);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THROW(channel.fetch({.stop_token = stop.get_token()}), CancelledException);
  channel.put(1);
  EXPECT_EQ(channel.take(), 1);
  EXPECT_TRUE(channel.is_empty());
}

TEST_F(RemoteChannelsTest, AnInterruptedTakeLeavesTheItem) {
  addprocs(2);
  RemoteChannel<int> channel(1, 2);
  auto taker = remotecall([](const RemoteChannel<int>& in) { return in.take(); }, 3, channel);
  const auto interrupted = [&] {
    interrupt({3});
    return taker.is_ready();
  };
  ASSERT_TRUE(eventually(interrupted));
  EXPECT_TRUE(contains(thrown_by([&] { taker.fetch(); }), "interrupted"));
  channel.put(9);
  EXPECT_EQ(channel.take({.deadline = std::chrono::seconds(20)}), 9);
}

// Threads of three processes take, most with hardly any time: every item arrives once.
TEST_F(RemoteChannelsTest, TakesThatAreCalledOffLoseNothing) {
  constexpr int items = 4'000;
  addprocs(2);
  RemoteChannel<int> channel(4, 2), results(unlimited);
  const auto take_all = [](const RemoteChannel<int>& in, const RemoteChannel<int>& out, int microseconds) {
    for (;;) {
      try {
        out.put(in.take({.deadline = std::chrono::microseconds(microseconds), .stop_token = {}}));
      } catch (const TimeoutError&) {
      } catch (const ChannelClosedError&) {
        return;
      }
    }
  };
  std::vector<Future<void>> takers;
  for (const Pid pid : {2, 3}) {
    for (int n = 0; n < 2; n++) takers.push_back(remotecall(take_all, pid, channel, results, 5 + 40 * n));
  }
  std::jthread here([&] { take_all(channel, results, 30); });
  for (int i = 0; i < items; i++) channel.put(i);
  channel.close();
  here.join();
  for (auto& taker : takers) taker.wait();
  results.close();
  std::vector<int> seen;
  for (int item : results) seen.push_back(item);
  std::sort(seen.begin(), seen.end());
  std::vector<int> expected(items);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
}

TEST_F(RemoteChannelsTest, HandlesTravelInItems) {
  addprocs(2);
  RemoteChannel<RemoteChannel<int>> channels(unlimited, 2);
  RemoteChannel<Future<std::vector<double>>> futures(unlimited, 2);
  {
    RemoteChannel<int> inner(1, 3);
    inner.put(5);
    channels.put(inner);
    futures.put(remotecall([] { return std::vector<double>(100'000, 2.5); }, 3));
  }
  EXPECT_EQ(channels.take().take(), 5);
  EXPECT_EQ(remotecall_fetch([](const auto& in) { return in.take().fetch().back(); }, 3, futures), 2.5);
  finalize(channels);
  finalize(futures);
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0 && reference_count(3) == 0; }));
}

TEST_F(RemoteChannelsTest, JobsComeBackOnceEach) {
  addprocs(4);
  RemoteChannel<int> jobs(32), results(32);
  for (const Pid pid : workers()) {
    remote_do(
        [](const RemoteChannel<int>& in, const RemoteChannel<int>& out) {
          for (int job : in) out.put(job * job);
        },
        pid, jobs, results);
  }
  for (int i = 1; i <= 12; i++) jobs.put(i);
  jobs.close();
  int sum = 0;
  for (int i = 1; i <= 12; i++) sum += results.take();
  EXPECT_EQ(sum, 650);
}

// --- Stores of the program's own. ---

class Stack final : public AbstractChannel<int> {
 public:
  void put(int value) override {
    std::lock_guard lock(mutex_);
    if (!open_) throw ChannelClosedError();
    values_.push_back(value);
    arrived_.try_put(true);
  }
  int take() override {
    for (;; arrived_.take()) {
      std::lock_guard lock(mutex_);
      if (values_.empty() && !open_) throw ChannelClosedError();
      if (values_.empty()) continue;
      const int value = values_.back();
      values_.pop_back();
      return value;
    }
  }
  int fetch() override {
    std::lock_guard lock(mutex_);
    return values_.at(values_.size() - 1);
  }
  void wait() override { arrived_.wait(); }
  bool is_ready() override { return size() > 0; }
  std::size_t size() override {
    std::lock_guard lock(mutex_);
    return values_.size();
  }
  bool is_open() override { return open_; }
  void close(std::exception_ptr) override {
    open_ = false;
    arrived_.try_put(true);
  }

 private:
  std::mutex mutex_;
  std::vector<int> values_;
  std::atomic<bool> open_{true};
  Channel<bool> arrived_{1};
};

std::shared_ptr<Stack> make_stack() { return std::make_shared<Stack>(); }

TEST_F(RemoteChannelsTest, AStoreOfTheProgramsOwnStandsBehindAChannel) {
  addprocs(2);
  EXPECT_EQ(RemoteChannel<int>(make_stack, 2).put(7).take(), 7) << "by a plain function";
  for (const Pid owner : {1, 2}) {
    RemoteChannel<int> stack([] { return std::make_shared<Stack>(); }, owner);
    EXPECT_EQ(stack.owner(), owner);
    stack.put(1).put(2).put(3);
    EXPECT_EQ(stack.fetch(), 3);
    EXPECT_EQ(remotecall_fetch([](const RemoteChannel<int>& in) { return in.take(); }, 3, stack), 3);
    EXPECT_EQ(stack.size(), 2u);
    EXPECT_TRUE(contains(thrown_by<Error>([&] { stack.put_all({4, 5}); }), "so it has no put_all()"));
    EXPECT_TRUE(contains(thrown_by<Error>([&] { stack.take_some(2); }), "so it has no take_some()"));
    EXPECT_TRUE(contains(thrown_by<Error>([&] { stack.bind(3); }), "so it has no bind()"));
    stack.close();
    std::vector<int> rest;
    for (int item : stack) rest.push_back(item);
    EXPECT_EQ(rest, (std::vector<int>{2, 1}));
    EXPECT_THROW(stack.put(4), ChannelClosedError);
    finalize(stack);
    EXPECT_TRUE(eventually([&] { return reference_count(owner) == 0; }));
  }
}

class Dictionary {
 public:
  explicit Dictionary(int start) : sum_(start) {}
  void put(const std::string& key, int value) { at(key).put(value); }
  int take(const std::string& key) { return at(key).take(); }
  int sum() const { return sum_; }

 private:
  Channel<int>& at(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.try_emplace(key, 1).first->second;
  }
  const int sum_;
  std::mutex mutex_;
  std::map<std::string, Channel<int>> values_;
};

TEST_F(RemoteChannelsTest, MembersOfAStoreAreCalledWhereItIs) {
  addprocs(2);
  auto store = RemoteStore<Dictionary>::on(2, 17);
  EXPECT_EQ(store.call<&Dictionary::sum>(), 17);
  auto taker = remotecall([](const auto& s) { return s.template call<&Dictionary::take>("key"); }, 3, store);
  store.call<&Dictionary::put>("other", 1);
  store.call<&Dictionary::put>("key", 2);
  EXPECT_EQ(taker.fetch(), 2);
  EXPECT_THROW(static_cast<void>(store.local()), Error);
  EXPECT_EQ(refs(2).entries.at(0).kind, "object");
  finalize(store);
  EXPECT_TRUE(contains(thrown_by<Error>([&] { store.call<&Dictionary::sum>(); }), "is empty"));
  EXPECT_TRUE(eventually([] { return reference_count(2) == 0; }));
}

}  // namespace
}  // namespace cohort::test
