// Group R: distributed_for and distributed_reduce.

#include <signal.h>
#include <unistd.h>

#include <functional>
#include <numeric>
#include <string>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using LoopTest = ClusterTest;

struct Join {
  std::string operator()(std::string a, const std::string& b) const { return a + " " + b; }
};
std::vector<Pid> append(std::vector<Pid> a, const std::vector<Pid>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
constexpr Schedule schedules[] = {Schedule::fixed, Schedule::dynamic, Schedule::guided};

TEST_F(LoopTest, WithoutWorkersItRunsHere) {
  EXPECT_EQ(distributed_reduce(std::plus<>{}, range(1, 100), [](int) { return 1; }), 100);
  distributed_for(range(1, 3), [](int) {
    if (myid() != 1) throw std::runtime_error("not here");
  }).wait();
}

TEST_F(LoopTest, EveryScheduleGivesTheSumInTheOrderOfTheRange) {
  addprocs(3);
  std::string expected = "1";
  for (int i = 2; i <= 50; i++) expected += " " + std::to_string(i);
  for (const Schedule schedule : schedules) {
    for (const std::size_t chunk : {0u, 1u, 7u, 1000u}) {
      const LoopOptions options{.schedule = schedule, .chunk = chunk};
      EXPECT_EQ(distributed_reduce(
                    Join{}, range(1, 50), [](int i) { return std::to_string(i); }, options),
                expected);
      EXPECT_EQ(distributed_reduce(
                    std::plus<>{}, range(1, 1000L), [](long i) { return i; }, options),
                500'500);
    }
  }
}

TEST_F(LoopTest, PartsGoToTheWorkersInTheirOrder) {
  addprocs(4);
  const auto pids = distributed_reduce(&append, range(1, 7), [](int) { return std::vector<Pid>{myid()}; });
  EXPECT_EQ(pids, (std::vector<Pid>{2, 2, 3, 3, 4, 4, 5}));
  const auto captured = capture(std::vector<int>(100, 1), [](const std::vector<int>& ones, int i) {
    return std::vector<Pid>{ones[static_cast<std::size_t>(i)] * myid()};
  });
  EXPECT_EQ(distributed_reduce(&append, range(1, 7), captured), pids);
  EXPECT_EQ(distributed_reduce(std::plus<>{}, range(1, 2), [](int i) { return i; }), 3);
  EXPECT_EQ(distributed_reduce(&append, range(1, 4), [](int) { return std::vector<Pid>{myid()}; },
                               {.pool = WorkerPool({5, 3})}),
            (std::vector<Pid>{5, 5, 3, 3}));
}

TEST_F(LoopTest, AnyIndexableRangeWillDo) {
  addprocs(2);
  const std::vector<std::string> words{"to", "be", "or", "not", "to", "be"};
  EXPECT_EQ(distributed_reduce(Join{}, words, [](const std::string& w) { return w; }), "to be or not to be");
#ifndef __clang__  // 14 does not understand the views of libstdc++ 12
  EXPECT_EQ(distributed_reduce(std::plus<>{}, std::views::iota(-3, 4), [](int i) { return i; }), 0);
#endif
  EXPECT_EQ(distributed_reduce(std::plus<>{}, range(std::uint8_t{250}, std::uint8_t{255}), [](int i) { return i; }),
            1515);
  EXPECT_EQ(distributed_reduce(Join{}, range(9, 1, -4), [](int i) { return std::to_string(i); }), "9 5 1");
}

TEST_F(LoopTest, AnEmptyRangeHasNoValueAndNoIterations) {
  addprocs(1);
  EXPECT_TRUE(
      contains(thrown_by<Error>([] { distributed_reduce(std::plus<>{}, range(1, 0), [](int i) { return i; }); }),
               "empty range"));
  distributed_for(range(1, 0), [](int) { throw std::runtime_error("never"); }).wait();
}

TEST_F(LoopTest, MorePartsThanThereCanBeAreRefused) {
  EXPECT_TRUE(
      contains(thrown_by([] {
                 distributed_for(range(1L, 1L << 60), [](long) {}, {.schedule = Schedule::dynamic, .chunk = 1}).wait();
               }),
               "choose a larger chunk"));
}

TEST_F(LoopTest, AnErrorOfTheBodyIsThrown) {
  addprocs(2);
  const auto body = [](int i) { return i == 70 ? throw std::out_of_range("seventy") : i; };
  EXPECT_TRUE(
      contains(thrown_by<RemoteException>([&] { distributed_reduce(std::plus<>{}, range(1, 100), body); }), "seventy"));
  auto loop = distributed_for(range(1, 100), [](int i) {
    if (i == 70) throw std::out_of_range("seventy");
  });
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { loop.wait(); }), "seventy"));
}

TEST_F(LoopTest, ItReturnsAtOnceAndIsWaitedFor) {
  addprocs(2);
  Future<int> gate(myid());
  auto loop = distributed_for(range(1, 4), capture(gate, [](const Future<int>& g, int) { g.wait(); }));
  EXPECT_FALSE(loop.is_ready());
  EXPECT_THROW(loop.wait({.deadline = 10ms, .stop_token = {}}), TimeoutError);
  gate.put(1);
  loop.wait();
  EXPECT_TRUE(loop.is_ready());
}

TEST_F(LoopTest, AnErrorThatNobodyWaitedForIsReported) {
  addprocs(1);
  const CapturedStderr errors;
  {
    auto dropped = distributed_for(range(1, 2), [](int) { throw std::runtime_error("unheard"); });
  }
  EXPECT_TRUE(eventually([&] { return errors.has("unheard"); }));
  EXPECT_TRUE(errors.has("nobody waited for")) << errors.text();
}

TEST_F(LoopTest, PartsOfTheDeadAreDoneAgainWhereTheProgramAllowsIt) {
  addprocs(3);
  const auto body = [](long i) {
    if (i == 500 && myid() == 3) kill(getpid(), SIGKILL);
    return i;
  };
  EXPECT_EQ(distributed_reduce(std::plus<>{}, range(1L, 1000L), body, {.retry_delays = {0s}}), 500'500);
  addprocs(1);
  EXPECT_THROW(distributed_reduce(std::plus<>{}, range(1, 4),
                                  [](int i) {
                                    if (i == 2) kill(getpid(), SIGKILL);
                                    return i;
                                  }),
               ProcessExitedException);
}

}  // namespace
}  // namespace cohort::test
