// Group Q: pmap where items fail and workers die.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using PmapFailuresTest = ClusterTest;

int square(int x) { return x * x; }

std::vector<int> squares() {
  std::vector<int> numbers;
  for (int i = 1; i <= 100; i++) numbers.push_back(square(i));
  return numbers;
}

TEST_F(PmapFailuresTest, TheFirstErrorEndsItAndIsWhatWasThrown) {
  addprocs(2);
  try {
    pmap([](int i) -> int { return i == 50 ? throw std::out_of_range("fifty") : i; }, range(1, 100));
    FAIL() << "nothing was thrown";
  } catch (const RemoteException& error) {
    EXPECT_EQ(error.message(), "fifty");
    EXPECT_GE(error.worker(), 2);
    EXPECT_THROW(std::rethrow_exception(error.cause()), std::out_of_range);
  }
  EXPECT_EQ(pmap(fn<square>, range(1, 100)), squares());
}

TEST_F(PmapFailuresTest, OnErrorMayLookAtTheItem) {
  addprocs(2);
  const auto results = pmap([](int i) -> int { return i % 10 == 0 ? throw std::runtime_error("ten") : i; },
                            range(1, 100), {.batch_size = 7, .on_error = [](std::exception_ptr, int i) { return -i; }});
  for (int i = 1; i <= 100; i++) EXPECT_EQ(results[static_cast<std::size_t>(i - 1)], i % 10 == 0 ? -i : i);
}

TEST_F(PmapFailuresTest, EmptyFunctionsInTheOptionsAreNone) {
  const auto f = [](int) -> int { throw std::invalid_argument("the item is bad"); };
  const std::function<int(std::exception_ptr)> nobody;
  const auto text = thrown_by<RemoteException>([&] {
    pmap(
        f, range(1, 1),
        {.on_error = nobody, .retry_delays = {0ms}, .retry_check = nullptr, .distributed = false, .progress = nullptr});
  });
  EXPECT_TRUE(contains(text, "the item is bad")) << text;
}

TEST_F(PmapFailuresTest, RetriesAreAsManyAsDelays) {
  addprocs(2);
  int checks = 0;
  const auto text = thrown_by([&] {
    pmap([](int) -> int { throw std::runtime_error("always"); }, range(1, 1),
         {.retry_delays = ExponentialBackOff{.n = 3, .first_delay = 1ms},
          .retry_check = [&](std::exception_ptr) { return ++checks > 0; }});
  });
  EXPECT_TRUE(contains(text, "always"));
  EXPECT_EQ(checks, 3);
}

void die() { kill(getpid(), SIGKILL); }

TEST_F(PmapFailuresTest, AWorkersDeathReachesOnErrorAsAnyError) {
  addprocs(3);
  for (const std::size_t batch : {1u, 4u}) {
    int deaths = 0;
    const auto results = pmap(
        [](int i) {
          if (i == 10) die();
          return i;
        },
        range(1, 100), {.batch_size = batch, .on_error = [&](std::exception_ptr error) {
                          try {
                            std::rethrow_exception(error);
                          } catch (const ProcessExitedException&) {
                            deaths++;
                          }
                          return -1;
                        }});
    EXPECT_GE(deaths, 1);
    EXPECT_EQ(results[9], -1);
    EXPECT_EQ(std::count(results.begin(), results.end(), -1), deaths);
    EXPECT_LT(deaths, 30);  // what had been sent to it; the others did the rest
  }
}

TEST_F(PmapFailuresTest, WithRetriesTheWorkOfTheDeadIsDoneByOthers) {
  addprocs(3);
  for (const std::size_t batch : {1u, 4u}) {
    const auto results = pmap(capture(workers().front(),
                                      [](Pid victim, int i) {
                                        if (i % 10 == 0 && myid() == victim) die();
                                        return i * i;
                                      }),
                              range(1, 100), {.batch_size = batch, .retry_delays = {0s, 0s}});
    EXPECT_EQ(results, squares());
  }
}

TEST_F(PmapFailuresTest, AWorkerKilledFromOutsideInMidMapLosesNothingWithRetries) {
  addprocs(3);
  const auto victim = remotecall_fetch([] { return getpid(); }, 2);
  bool killed = false;
  const auto results = pmap(capture(std::vector<int>(1000, 1),
                                    [](const std::vector<int>& ones, int i) {
                                      const auto end = Clock::now() + std::chrono::milliseconds(2);
                                      while (Clock::now() < end) continue;
                                      return ones[static_cast<std::size_t>(i)] * i * i;
                                    }),
                            range(1, 100), {.retry_delays = {0s}, .progress = [&](std::size_t done, std::size_t total) {
                                              EXPECT_EQ(total, 100u);
                                              if (done >= 20 && !std::exchange(killed, true)) kill(victim, SIGKILL);
                                            }});
  EXPECT_TRUE(killed);
  EXPECT_EQ(results, squares());
}

TEST_F(PmapFailuresTest, WhenAllWorkersAreGoneItEndsWithAnError) {
  addprocs(2);
  const auto text = thrown_by<Error>([] { pmap([](int) { die(); }, range(1, 10), {.retry_delays = {0s, 0s, 0s}}); });
  EXPECT_TRUE(text.starts_with("No active worker available in pool. The last of them: process ")) << text;
}

}  // namespace
}  // namespace cohort::test
