// Group L: the counting of references to futures, channels and objects.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using ReferencesTest = ClusterTest;
using Numbers = std::vector<double>;

bool all_empty() {
  return std::ranges::all_of(procs(), [](Pid pid) { return reference_count(pid) == 0; });
}

TEST_F(ReferencesTest, TheTableShowsWhatIsKeptForWhom) {
  addprocs(2);
  RemoteChannel<Numbers> channel(2, 2);
  channel.put(Numbers(1000));
  auto future = remotecall([] { return Numbers(100'000); }, 2);
  future.wait();
  auto entries = refs(2).entries;
  ASSERT_EQ(entries.size(), 2u);
  std::ranges::sort(entries, {}, &ReferenceTable::Entry::kind);
  EXPECT_EQ(entries[0].kind, "channel");
  EXPECT_EQ(entries[0].whence, 1);
  EXPECT_EQ(entries[0].clients, std::vector<Pid>{1});
  EXPECT_GE(entries[0].bytes, 8'000u);
  EXPECT_EQ(entries[1].kind, "future");
  EXPECT_GE(entries[1].bytes, 800'000u);
}

TEST_F(ReferencesTest, AChannelStaysAfterAFetchAndGoesWithItsLastHandle) {
  addprocs(2);
  RemoteChannel<int> channel(1, 2);
  channel.put(1);
  EXPECT_EQ(channel.fetch(), 1);
  EXPECT_EQ(reference_count(2), 1u);
  const auto keep = [](const RemoteChannel<int>& c) {
    static RemoteChannel<int> kept;
    const int first = kept.valid() ? kept.take() : 0;
    kept = c;
    return first;
  };
  remotecall_fetch(keep, 3, channel);
  EXPECT_EQ(refs(2).entries.at(0).clients, (std::vector<Pid>{1, 3}));
  finalize(channel);
  finalize(channel);
  EXPECT_FALSE(channel.valid());
  EXPECT_TRUE(eventually([] { return refs(2).entries.at(0).clients == std::vector<Pid>{3}; }));
  EXPECT_EQ(remotecall_fetch(keep, 3, channel), 1);
  EXPECT_TRUE(eventually(all_empty));
}

TEST_F(ReferencesTest, FinalisingAFutureFreesItsValue) {
  const Pid pid = addprocs(1).front();
  auto future = remotecall([] { return Numbers(100'000); }, pid);
  future.wait();
  EXPECT_EQ(reference_count(pid), 1u);
  finalize(future);
  EXPECT_FALSE(future.valid());
  EXPECT_TRUE(eventually(all_empty));
}

TEST_F(ReferencesTest, AHolderThatIsKilledFreesItsEntries) {
  addprocs(3);
  auto kept = std::make_tuple(RemoteChannel<int>(1, 2), RemoteChannel<int>(1), Future<int>(2), Future<int>(1));
  using Kept = decltype(kept);
  remotecall_fetch(
      [](const Kept& handles) {
        static Kept held;
        held = handles;
      },
      3, kept);
  kept = {};
  EXPECT_EQ(reference_count(2), 2u);
  EXPECT_EQ(reference_count(1), 2u);
  remote_do([] { kill(getpid(), SIGKILL); }, 3);
  EXPECT_TRUE(eventually(all_empty));
}

// Small results are sent to their caller while it ships the futures: one thread has itself counted at the owner, while
// another one, which drives the loop, takes the result and gives its count back.
TEST_F(ReferencesTest, FuturesThatAreShippedWhileTheyAreOpenLeaveNothing) {
  constexpr int threads = 4, futures = 2'500;
  addprocs(2);
  {
    std::vector<std::jthread> shippers;
    for (int t = 0; t < threads; t++) {
      shippers.emplace_back([] {
        for (int i = 0; i < futures; i++) remote_do([](Future<int>) {}, 3, remotecall([] { return 1; }, 2));
      });
    }
  }
  EXPECT_TRUE(eventually(all_empty));
}

// The encoded value keeps the name of the future that it holds, whatever becomes of other handles.
TEST_F(ReferencesTest, AFutureInsideAKeptValueCanBeSentOnAfterItWasFetched) {
  addprocs(2);
  RemoteChannel<Future<int>> channel(1);
  Future<int> open(2);
  remotecall_fetch([](const RemoteChannel<Future<int>>& out, const Future<int>& f) { out.put(f); }, 3, channel, open);
  EXPECT_TRUE(eventually([] { return refs(2).entries.at(0).clients == std::vector<Pid>{1}; }));
  remotecall_fetch([](Future<int> f) { f.put(5); }, 2, open);
  EXPECT_EQ(open.fetch(), 5);
  finalize(open);
  const auto fetch = [](const RemoteChannel<Future<int>>& in) { return in.take().fetch(); };
  EXPECT_EQ(remotecall_fetch(fetch, 3, channel), 5);
  finalize(channel);
  EXPECT_TRUE(eventually(all_empty));
}

TEST_F(ReferencesTest, TheTableOfAProcessThatComputesIsShown) {
  const Pid pid = addprocs(1).front();
  RemoteChannel<int> channel(1, pid), begun(1), go(1);
  auto computing = remotecall(
      [](const RemoteChannel<int>& out, const RemoteChannel<int>& in) {
        out.put(1);
        while (!in.is_ready() && !this_call().stop_requested()) usleep(1000);
      },
      pid, begun, go);
  begun.take();
  EXPECT_EQ(refs(pid).entries.size(), 2u);  // the result of the call, too
  EXPECT_EQ(reference_count(pid), 2u);
  go.put(1);
  computing.wait();
}

TEST_F(ReferencesTest, AProcessThatIsGoneIsListedNowhere) {
  addprocs(2);
  RemoteChannel<int> channel(1, 2);
  for (int i = 0; i < 10; i++) {
    const Pid pid = addprocs(1).front();
    remotecall_fetch(
        [](const RemoteChannel<int>& c) {
          static RemoteChannel<int> kept;
          kept = c;
        },
        pid, channel);
    auto lost = remotecall([] { kill(getpid(), SIGKILL); }, pid);
    EXPECT_THROW(lost.wait(), ProcessExitedException);
    EXPECT_EQ(refs(2).entries.at(0).clients, std::vector<Pid>{1});
  }
}

// What a process may hold on to between two steps.
using Handle = std::variant<std::monostate, Future<Numbers>, RemoteChannel<int>, RemoteStore<std::string>>;

class Hand {
 public:
  void keep(unsigned slot, Handle handle) {
    std::lock_guard lock(mutex_);
    std::swap(handles_[slot], handle);  // released after the lock
  }
  Handle get(unsigned slot) {
    std::lock_guard lock(mutex_);
    return handles_[slot];
  }

 private:
  std::mutex mutex_;
  std::array<Handle, 8> handles_;
};

Hand& hand() {
  static Hand of_this_process;
  return of_this_process;
}
void keep(unsigned slot, const Handle& handle) { hand().keep(slot, handle); }
void pass_on(unsigned slot, Pid to, unsigned slot_there) {
  if (to == myid())
    keep(slot_there, hand().get(slot));
  else
    remote_do(fn<keep>, to, slot_there, hand().get(slot));
}
void let_go() {
  for (unsigned slot = 0; slot < 8; slot++) keep(slot, Handle());
}

TEST_F(ReferencesTest, TenThousandRandomStepsLeaveNothing) {
  addprocs(3);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random); };
  const auto somebody = [&] { return static_cast<Pid>(1 + below(4)); };
  const auto on = [](Pid pid, auto function, auto... arguments) {
    if (pid == myid())
      function(arguments...);
    else
      remote_do(function, pid, arguments...);
  };
  for (int step = 0; step < 10'000; step++) {
    const Pid who = somebody();
    const unsigned slot = below(8);
    switch (below(6)) {
      case 0:
        on(who, fn<keep>, slot, Handle(remotecall([] { return Numbers(3000); }, somebody())));
        break;
      case 1:
        on(who, fn<keep>, slot, Handle(RemoteChannel<int>(1, somebody())));
        break;
      case 2:
        on(who, fn<keep>, slot, Handle(RemoteStore<std::string>(std::make_shared<std::string>("here"))));
        break;
      case 3:
        on(who, fn<keep>, slot, Handle());
        break;
      default:
        on(who, fn<pass_on>, slot, somebody(), below(8));
    }
  }
  // What is under way may still arrive anywhere, so all let go again and again.
  EXPECT_TRUE(eventually([] {
    for (const Pid pid : procs()) remotecall_fetch(fn<let_go>, pid);
    return all_empty();
  }));
  for (const Pid pid : procs()) {
    for (const auto& entry : refs(pid).entries) {
      ADD_FAILURE() << "process " << pid << " keeps " << entry.kind << ' ' << entry.whence << ':' << entry.id << " for "
                    << testing::PrintToString(entry.clients);
    }
  }
}

}  // namespace
}  // namespace cohort::test
