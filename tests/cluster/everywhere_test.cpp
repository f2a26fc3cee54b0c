#include <csignal>
#include <numeric>

#include "cluster_test.hpp"
#include "counted.hpp"

namespace cohort::test {
namespace {

class EverywhereTest : public ClusterTest {};

int counter = 0;  // of each process

void add_to_counter(int amount) { counter += amount; }
int read_counter() { return counter; }

void compute_until_stopped(Future<void> running) {
  try {
    running.put();
  } catch (const InterruptedException&) {  // it may be called off while it still waits here
  }
  eventually([] { return this_call().stop_requested(); });
  counter = 1;
}

TEST_F(EverywhereTest, RunsOnEveryProcessTheMasterIncluded) {
  addprocs(2);
  everywhere(fn<add_to_counter>, 7);
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<read_counter>, pid), 7) << pid;
  everywhere(&add_to_counter, 1);
  everywhere([](const std::string& text) { counter = static_cast<int>(text.size()) + counter; }, "four");
  everywhere(capture(3, [](int c, int x) { counter += c * x; }), 2);
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<read_counter>, pid), 18) << pid;
}

TEST_F(EverywhereTest, RunsOnTheListedProcessesAsOftenAsTheyAreListed) {
  const auto pids = addprocs(2);
  everywhere(std::vector<Pid>{pids[0], master_pid, pids[0], master_pid, master_pid}, fn<add_to_counter>, 1);
  EXPECT_EQ(counter, 3);
  EXPECT_EQ(remotecall_fetch(fn<read_counter>, pids[0]), 2);
  EXPECT_EQ(remotecall_fetch(fn<read_counter>, pids[1]), 0);
  everywhere({}, fn<add_to_counter>, 1);
  EXPECT_EQ(counter, 3);
}

TEST_F(EverywhereTest, AllProcessesRunAtTheSameTime) {
  addprocs(2);
  Future<int> from_2(master_pid), from_3(master_pid);
  // Each worker waits for the other: one after the other would never end.
  everywhere(
      workers(),
      [](Future<int> mine, Future<int> others, Pid first) {
        if (myid() != first) std::swap(mine, others);
        mine.put(myid());
        others.fetch();
      },
      from_2, from_3, workers().front());
  EXPECT_EQ(from_2.fetch() + from_3.fetch(), 5);
}

TEST_F(EverywhereTest, ALargeArgumentArrivesWholeOnAll) {
  addprocs(3);
  std::vector<double> values(1 << 20);
  std::iota(values.begin(), values.end(), 0.0);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  everywhere(
      [](const std::vector<double>& v, double expected) {
        if (std::accumulate(v.begin(), v.end(), 0.0) != expected) throw Error("another sum");
      },
      values, sum);
  EXPECT_EQ(values.size(), std::size_t{1} << 20);
}

TEST_F(EverywhereTest, AnArgumentIsEncodedOnceForAll) {
  const auto pids = addprocs(3);
  everywhere([](const Counted& argument, const std::vector<double>&) { counter = argument.number; }, Counted{7},
             std::vector<double>(1 << 20));
  EXPECT_EQ(Counted::written, 1);
  EXPECT_EQ(Counted::read, 0) << "the master has the object itself";
  for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch(fn<times_read>, pid), 1) << pid;
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<read_counter>, pid), 7) << pid;
  everywhere(
      pids, [](const Counted& argument) { counter = argument.number; }, Counted{8});
  EXPECT_EQ(Counted::written, 2);
}

TEST_F(EverywhereTest, AResultNeedNotTravel) {
  addprocs(1);
  struct Local {
    int* pointer = nullptr;
    ~Local() {}
  };
  everywhere([] { return std::make_shared<Local>(); });
}

TEST_F(EverywhereTest, ACoroutineIsRunToItsEnd) {
  addprocs(1);
  Future<int> amount(master_pid);
  amount.put(3);
  everywhere(
      [](Future<int> future) -> Task<int> {
        co_await after(std::chrono::milliseconds(1));
        counter = co_await future;
        co_return counter;
      },
      amount);
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<read_counter>, pid), 3) << pid;
}

TEST_F(EverywhereTest, FailuresAreCollectedInTheOrderOfThePids) {
  const auto pids = addprocs(2);
  try {
    everywhere(
        std::vector<Pid>{pids[1], master_pid, pids[0]},
        [](Pid good) {
          counter++;
          if (myid() != good) throw std::out_of_range("no room on " + std::to_string(myid()));
        },
        pids[0]);
    FAIL() << "nothing was thrown";
  } catch (const CompositeException& error) {
    ASSERT_EQ(error.size(), 2u);
    const auto worker_of = [&](std::size_t i) {
      try {
        std::rethrow_exception(error.exceptions()[i]);
      } catch (const RemoteException& remote) {
        EXPECT_TRUE(contains(remote.what(), "no room on " + std::to_string(remote.worker())));
        return remote.worker();
      }
    };
    EXPECT_EQ(worker_of(0), pids[1]);
    EXPECT_EQ(worker_of(1), master_pid);
  }
  EXPECT_EQ(counter, 1);
  EXPECT_EQ(remotecall_fetch(fn<read_counter>, pids[0]), 1);
}

TEST_F(EverywhereTest, AProcessThatDiesOrIsGoneIsOneOfTheFailures) {
  const auto pids = addprocs(3);
  rmprocs(pids[0]);
  try {
    everywhere(
        pids,
        [](Pid dies) {
          counter++;
          if (myid() == dies) raise(SIGKILL);
        },
        pids[1]);
    FAIL() << "nothing was thrown";
  } catch (const CompositeException& error) {
    ASSERT_EQ(error.size(), 2u);
    EXPECT_TRUE(contains(message_of(error.exceptions()[0]), "process " + std::to_string(pids[0])));
    EXPECT_TRUE(contains(message_of(error.exceptions()[1]), "process " + std::to_string(pids[1])));
    EXPECT_THROW(std::rethrow_exception(error.exceptions()[1]), ProcessExitedException);
  }
  EXPECT_EQ(remotecall_fetch(fn<read_counter>, pids[2]), 1);
}

TEST_F(EverywhereTest, AnInterruptedOneCallsItsCallsOff) {
  const auto pids = addprocs(2);
  Future<void> started(master_pid);
  const auto outer =
      remotecall([](Pid other, Future<void> running) { everywhere({other}, fn<compute_until_stopped>, running); },
                 pids[0], pids[1], started);
  started.wait();
  interrupt({pids[0]});
  EXPECT_THROW(outer.fetch(), RemoteException);
  EXPECT_TRUE(eventually([&] { return remotecall_fetch(fn<read_counter>, pids[1]) == 1; }));
}

TEST_F(EverywhereTest, AWorkerCanCallItToo) {
  const auto pids = addprocs(2);
  remotecall_fetch([] { everywhere(fn<add_to_counter>, 5); }, pids[0]);
  for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<read_counter>, pid), 5) << pid;
}

TEST_F(EverywhereTest, FetchAllGivesAResultOrAnErrorForEachProcess) {
  const auto pids = addprocs(3);
  const auto results = fetch_all(
      procs(),
      [](const std::string& text, Pid bad) {
        return myid() == bad ? throw std::out_of_range("not here") : text + std::to_string(myid());
      },
      "p", pids[1]);
  ASSERT_EQ(results.size(), 4u);
  for (const auto& [pid, text] : results) {
    EXPECT_TRUE(text.is_ready());
    if (pid == pids[1]) continue;
    EXPECT_EQ(text.fetch(), "p" + std::to_string(pid));
  }
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { results.at(pids[1]).fetch(); }), "not here"));
  EXPECT_EQ(fetch_all({pids[0], pids[0]}, fn<read_counter>).size(), 1u);
  EXPECT_TRUE(fetch_all({}, fn<read_counter>).empty());
  fetch_all(pids, [] { counter = 9; });  // may return nothing
  EXPECT_EQ(remotecall_fetch(fn<read_counter>, pids[2]), 9);
}

TEST_F(EverywhereTest, FetchAllSaysWhichProcessesEnded) {
  const auto pids = addprocs(2);
  const auto results = fetch_all(
      pids,
      [](Pid victim) {
        if (myid() == victim) std::raise(SIGKILL);
        return myid();
      },
      pids[0]);
  EXPECT_THROW(results.at(pids[0]).fetch(), ProcessExitedException);
  EXPECT_EQ(results.at(pids[1]).fetch(), pids[1]);
}

TEST_F(EverywhereTest, FetchAllThatIsInterruptedCallsItsCallsOff) {
  const auto pids = addprocs(2);
  const Future<void> running(master_pid);
  const auto waiting = remotecall(
      [](Pid other, const Future<void>& begun) { return fetch_all({other}, fn<compute_until_stopped>, begun).size(); },
      pids[0], pids[1], running);
  running.wait();
  waiting.cancel();
  EXPECT_THROW(waiting.fetch(), RemoteException);
  EXPECT_TRUE(eventually([&] { return remotecall_fetch(fn<read_counter>, pids[1]) == 1; }));
}

}  // namespace
}  // namespace cohort::test
