#include <atomic>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "spmd_test.hpp"

// How teams fail, in clusters in memory.

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using SpmdFailuresOnce = Spmd;
class SpmdFailures : public SpmdOverTopologies {};

COHORT_OVER_BOTH_TOPOLOGIES(SpmdFailures);

template <class E = std::exception, class F, class... A>
std::string failure(const std::vector<Pid>& pids, F f, const A&... arguments) {
  return thrown_within<E>(0s, [&] { spmd(pids, f, arguments...); });
}

/// Texts of errors, of all ranks.
class Notes {
 public:
  template <class F>
  void of(F&& wait) {
    try {
      wait();
    } catch (const Error& error) {
      {
        const detail::MutexLock lock(mutex_);
        texts_.emplace_back(error.what());
      }
      throw;
    }
  }
  Texts take() {
    const detail::MutexLock lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  detail::Mutex mutex_;
  Texts texts_ COHORT_GUARDED_BY(mutex_);
};
Notes notes;

TEST_P(SpmdFailures, ARankThatThrowsEndsTheWaitsOfAllOthers) {
  notes.take();
  try {
    spmd(first_procs(5), [](Team& team) {
      notes.of([&] {
        team.barrier();
        if (team.rank() == 3) throw std::out_of_range("too far");
        if (team.rank() == 0) team.receive<int>(1);
        if (team.rank() == 1) team.receive_any<int>();
        team.barrier();
      });
    });
    FAIL();
  } catch (const RemoteException& error) {
    EXPECT_EQ(error.worker(), 4);
    EXPECT_EQ(error.message(), "too far");
    EXPECT_THROW(std::rethrow_exception(error.cause()), std::out_of_range);
  }
  const Texts seen = notes.take();
  ASSERT_EQ(seen.size(), 4U);
  for (const auto& text : seen)
    EXPECT_TRUE(contains(text, "rank 3 (process 4) has failed: std::out_of_range: too far")) << text;
}

TEST_P(SpmdFailures, AWorkerThatIsKilledEndsTheWaitsOfAllOthers) {
  static std::atomic<int> waiting;
  waiting = 0;
  std::jthread killer([this] {
    const Node::Scope here(cluster().master());
    eventually([] { return waiting == 3; });
    std::this_thread::sleep_for(10ms);
    cluster().kill(3);
  });
  const auto waits = [](Team& team) {
    waiting++;
    team.receive<int>((team.rank() + 1) % team.size());
  };
  EXPECT_TRUE(contains(failure<ProcessExitedException>({2, 3, 4}, waits), "3"));
  killer.join();
  EXPECT_TRUE(contains(failure<ProcessExitedException>({2, 3}, waits), "3")) << "gone before";
}

TEST_P(SpmdFailures, ContradictingCallsAreErrors) {
  // Neither sends anything: each waits for the other.
  const auto text = failure<RemoteException>({2, 3}, [](Team& team) {
    team.barrier();
    if (team.rank() == 0)
      team.barrier();
    else
      team.gather(1, 1);
  });
  EXPECT_TRUE(contains(text, "barrier")) << text;
  EXPECT_TRUE(contains(text, "gather with root 1")) << text;
  EXPECT_TRUE(contains(text, "its 2nd collective call")) << text;

  const auto roots = failure<RemoteException>({2, 3, 4, 5}, [](Team& team) {
    team.broadcast(1, team.rank() / 2);
    team.barrier();
  });
  EXPECT_TRUE(contains(roots, "broadcast with root 0") && contains(roots, "broadcast with root 1")) << roots;

  const auto three = failure<RemoteException>({2, 3, 4}, [](Team& team) {
    if (team.rank() == 1) {
      team.broadcast(5, 1);
      team.receive<int>(0);
    } else {
      team.scan(std::plus<>(), 1);
    }
  });
  EXPECT_TRUE(contains(three, "broadcast") && contains(three, "scan")) << three;

  const auto types = failure<RemoteException>({2, 3}, [](Team& team) {
    if (team.rank() == 0)
      team.all_reduce(std::plus<>(), 1);
    else
      team.all_reduce(std::plus<>(), 1.0);
  });
  EXPECT_TRUE(contains(types, "rank 1 has sent a value of type double, and rank 0 expects int")) << types;

  // Small values take another tree.
  for (int odd = 0; odd < 4; odd++) {
    const auto sizes = failure<RemoteException>(
        {2, 3, 4, 5},
        [](Team& team, int other) {
          if (team.rank() == other)
            team.all_reduce(std::plus<>(), std::string("text"));
          else
            team.all_reduce(std::plus<>(), 1);
        },
        odd);
    EXPECT_TRUE(contains(sizes, "all_reduce of small values")) << sizes;
  }
}

// Every pair of different calls, of three ranks of which any one contradicts.
TEST_F(SpmdFailuresOnce, NoContradictionHangs) {
  restart(3);
  const auto odd_one = [](Team& team, int usual, int other, int odd) {
    switch (team.rank() == odd ? other : usual) {
      case 0:
        return team.barrier();
      case 1:
        return static_cast<void>(team.broadcast(1, 1));
      case 2:
        return static_cast<void>(team.gather(1, 2));
      case 3:
        return static_cast<void>(team.all_gather(1));
      case 4:
        return static_cast<void>(team.reduce(std::plus<>(), 1, 0));
      default:
        return static_cast<void>(team.scatter(std::vector<int>{1, 2, 3}, 2));
    }
  };
  std::vector<std::jthread> threads;
  for (int usual = 0; usual < 6; usual++)
    threads.emplace_back([&, usual] {
      const Node::Scope here(cluster().master());
      for (int other = 0; other < 6; other++)
        for (int odd = 0; odd < 3 && other != usual; odd++) {
          // Two that only send may both end before they hear of it.
          try {
            spmd({.deadline = 20s}, {2, 3, 4}, odd_one, usual, other, odd);
          } catch (const RemoteException&) {
          } catch (const std::exception& error) {
            ADD_FAILURE() << usual << " " << other << " " << odd << ": " << error.what();
          }
        }
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(SpmdFailuresOnce, WrongCallsAreErrors) {
  restart(2);
  const auto nothing = [](Team&) {};
  EXPECT_TRUE(contains(failure<Error>({}, nothing), "no process"));
  EXPECT_TRUE(contains(failure<Error>({2, 3, 2}, nothing), "process 2 is listed twice"));
  EXPECT_TRUE(contains(failure<Error>({2, 9}, nothing), "9"));
  EXPECT_TRUE(contains(failure({2, 3}, [](Team& team) { team.send(1, 2); }), "there is no rank 2 in a team of 2"));
  EXPECT_TRUE(contains(failure({2, 3}, [](Team& team) { team.broadcast(1, -1); }), "no rank -1"));
  const auto type = failure({2, 3}, [](Team& team) {
    if (team.rank() == 0) return team.send(1.5, 1);
    team.receive<int>(0);
  });
  EXPECT_TRUE(contains(type, "rank 0 has sent a value of type double, and rank 1 expects int")) << type;
  const auto lengths = failure({2, 3}, [](Team& team) {
    team.reduce_scatter(std::plus<>(), std::vector<int>(static_cast<std::size_t>(2 + team.rank())));
  });
  EXPECT_TRUE(contains(lengths, "rank 1 has 3 elements, and that of rank 0 has 2") ||
              contains(lengths, "rank 0 has 2 elements, and that of rank 1 has 3"))
      << lengths;
  EXPECT_TRUE(contains(
      failure({2, 3},
              [](Team& team) { team.all_reduce([](int, int) -> int { throw std::logic_error("no sum"); }, 1); }),
      "no sum"));
  // Once a collective has failed, so has the team, even if a rank goes on.
  const auto caught = failure({2, 3}, [](Team& team) {
    try {
      if (team.rank() == 0)
        team.barrier();
      else
        team.gather(1, 1);
    } catch (const Error&) {
    }
    team.barrier();
  });
  EXPECT_TRUE(contains(caught, "while rank")) << caught;
}

TEST_P(SpmdFailures, ARankThatEndsEarlyHasSentWhatItHasSent) {
  const auto text = failure<RemoteException>({2, 3, 4}, [](Team& team) {
    if (team.rank() == 1)
      for (int i = 0; i < 50; i++) team.send(i, 0);
    if (team.rank() != 0) return;
    for (int i = 0; i < 50; i++) EXPECT_EQ(team.receive<int>(1), i);
    team.receive<int>(1);
  });
  EXPECT_TRUE(contains(text, "rank 1 has ended, and rank 0 waits for its message")) << text;
  const auto any = failure<RemoteException>({2, 3, 4}, [](Team& team) {
    if (team.rank() == 0) team.receive_any<int>(5);
  });
  EXPECT_TRUE(contains(any, "all other ranks have ended, and rank 0 waits for a message with the tag 5")) << any;
  const auto barrier = failure<RemoteException>({2, 3, 4}, [](Team& team) {
    if (team.rank() != 1) team.barrier();
  });
  EXPECT_TRUE(contains(barrier, "rank 1 has ended, and rank 0 waits for its message in barrier")) << barrier;
}

TEST_P(SpmdFailures, DeadlinesAndStopsEndTheWaitsOfRanks) {
  const auto waits = [](Team& team) { team.receive<int>(1 - team.rank()); };
  EXPECT_THROW(spmd({.deadline = 20ms}, {2, 3}, waits), TimeoutError);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  EXPECT_THROW(spmd({.stop_token = stop.get_token()}, {2, 3}, waits), CancelledException);
  stopper.join();
  EXPECT_EQ(detail::open_teams(), 0U) << "the ranks had ended when spmd() threw";

  const auto received = spmd({2, 3}, [](Team& team) {
    EXPECT_THROW(team.receive<int>(1 - team.rank(), 0, {.deadline = 10ms}), TimeoutError);
    team.barrier();
    team.send(team.rank(), 1 - team.rank());
    return team.receive<int>(1 - team.rank(), 0, {.deadline = 20s});
  });
  EXPECT_EQ(received, (std::vector<int>{1, 0}));

  const auto text = failure<RemoteException>({2, 3}, [](Team& team) {
    if (team.rank() == 0) return team.barrier({.deadline = 10ms});
    team.receive<int>(0);
  });
  EXPECT_EQ(text.find("rank 1"), text.npos) << text;
}

TEST_F(SpmdFailuresOnce, AnInterruptedCallerCancelsTheRanks) {
  restart(3);
  auto call = remotecall(
      [](const std::vector<Pid>& pids) { spmd(pids, [](Team& team) { team.receive<int>(1 - team.rank()); }); }, 2,
      std::vector<Pid>{3, 4});
  EXPECT_TRUE(eventually([] { return detail::open_teams() == 3; }));
  call.cancel();
  EXPECT_THROW(call.fetch(), RemoteException);
}

TEST_F(SpmdFailuresOnce, NothingIsLeftOfTheTeamOfACallerThatDied) {
  for (const char* topology : {"all_to_all", "master_worker"}) {
    restart(3, {.topology = topology});
    remote_do([](const std::vector<Pid>& pids) { spmd(pids, [](Team& team) { team.receive<int>(1 - team.rank()); }); },
              2, std::vector<Pid>{3, 4});
    EXPECT_TRUE(eventually([] { return detail::open_teams() == 3; }));
    cluster().kill(2);
    EXPECT_TRUE(eventually([] { return detail::open_teams() == 0; })) << topology;
  }
}

TEST_F(SpmdFailuresOnce, RanksThatWaitForSomethingElseAreCancelled) {
  restart(2);
  const auto text = failure<RemoteException>({2, 3}, [](Team& team) {
    if (team.rank() == 0) throw std::runtime_error("no more");
    Future<int>(myid()).wait();
  });
  EXPECT_TRUE(contains(text, "no more"));
}

// The caller says that it has ended; its last message comes later.
TEST_F(SpmdFailuresOnce, ARankThatHasEndedIsWaitedForAsLongAsItsMessagesAreOnTheirWay) {
  restart(2, {.lazy = false});
  static std::atomic<int> step;
  step = 0;
  std::jthread holder([&] {
    const Node::Scope here(cluster().master());
    EXPECT_TRUE(eventually([] { return step == 1; }));
    cluster().stall(2, 3);
    step = 2;
    EXPECT_TRUE(eventually([] { return detail::open_teams() == 2; })) << "rank 0 has ended";
    std::this_thread::sleep_for(100ms);  // in which rank 1 is told so
    cluster().resume(2, 3);
  });
  const auto received = spmd({2, 3}, [](Team& team) {
    team.barrier();
    if (team.rank() == 1) return team.receive<int>(0);
    step = 1;
    EXPECT_TRUE(eventually([] { return step == 2; }));
    team.send(5, 1);
    return 0;
  });
  holder.join();
  EXPECT_EQ(received, (std::vector<int>{0, 5}));
}

TEST_P(SpmdFailures, ARankThatSendsToOneThatDiesIsNotToBlame) {
  static std::atomic<bool> sending;
  sending = false;
  std::jthread killer([this] {
    const Node::Scope here(cluster().master());
    EXPECT_TRUE(eventually([] { return sending.load(); }));
    cluster().kill(3);
  });
  const auto sends = [](Team& team) {
    team.barrier();
    if (team.rank() == 1) return static_cast<void>(team.receive<int>(0, 1));
    while (true) {
      team.send(1, 1);
      sending = true;
      after(50us).wait();
      if (this_call().stop_requested()) return;
    }
  };
  EXPECT_TRUE(contains(failure<ProcessExitedException>({2, 3}, sends), "process 3 exited"));
  killer.join();
}

TEST_P(SpmdFailures, AWorkerThatCallsThemLearnsWhichProcessHasEnded) {
  static std::atomic<int> waiting;
  waiting = 0;
  std::jthread killer([this] {
    const Node::Scope here(cluster().master());
    EXPECT_TRUE(eventually([] { return waiting == 2; }));
    cluster().kill(4);
  });
  const auto calls = [](const std::vector<Pid>& pids) {
    try {
      spmd(pids, [](Team& team) {
        waiting++;
        team.receive<int>(1 - team.rank());
      });
    } catch (const ProcessExitedException& exited) {
      return exited.worker_id();
    }
    return no_pid;
  };
  EXPECT_EQ(remotecall_fetch(calls, 2, std::vector<Pid>{3, 4}), 4);
  killer.join();
}

TEST_F(SpmdFailuresOnce, ARankThatComputesIsLeftToItselfAfterTheDeadline) {
  restart(2);
  static std::atomic<bool> over;
  over = false;
  const auto computes = [](Team& team) {
    if (team.rank() == 0) {
      EXPECT_TRUE(eventually([] { return over.load(); }));
    }
    team.barrier();
  };
  EXPECT_THROW(spmd({.deadline = 20ms}, {2, 3}, computes), TimeoutError);
  EXPECT_LE(detail::open_teams(), 1U) << "rank 0, if it had begun";
  over = true;
}

TEST_F(SpmdFailuresOnce, WhatCameOrWasSaidBeforeACallContradictsItToo) {
  restart(3);
  const auto came = failure<RemoteException>({2, 3}, [](Team& team) {
    if (team.rank() == 1) {
      team.broadcast(1, 1);
      team.send(1, 0);
    } else {
      team.receive<int>(1);
    }
    team.barrier();
  });
  EXPECT_TRUE(contains(came, "rank 1 calls broadcast with root 1 (its 1st collective call) while rank 0 calls barrier"))
      << came;
  // Rank 0 has said that it waits for rank 1 in a barrier, before rank 1 makes a call in which it does not wait.
  const auto said = failure<RemoteException>({2, 3, 4}, [](Team& team) {
    if (team.rank() == 0) return team.barrier();
    if (team.rank() == 1) {
      after(150ms).wait();
      team.gather(1, 2);
    }
    team.receive<int>(team.rank() - 1);
  });
  EXPECT_TRUE(contains(said, "rank 0 calls barrier (its 1st collective call) while rank 1 calls gather with root 2"))
      << said;
}

TEST_F(SpmdFailuresOnce, ACollectiveThatARankHasLeftFailsTheOthers) {
  restart(2);
  const auto text = failure<RemoteException>({2, 3}, [](Team& team) {
    if (team.rank() == 0) {
      EXPECT_THROW(team.barrier({.deadline = 10ms}), TimeoutError);
    }
    team.receive<int>(1 - team.rank());
  });
  EXPECT_TRUE(contains(text, "rank 0 has left barrier (its 1st collective call): ")) << text;
}

TEST_F(SpmdFailuresOnce, CollectivesOfTwoThreadsOfARankAreAnError) {
  restart(2);
  spmd({2, 3}, [](Team& team) {
    if (team.rank() == 1) {
      team.receive<int>(0);
      return team.barrier();
    }
    const auto text = [&team] { return thrown_by<Error>([&] { team.barrier(); }); };
    const Channel<std::string> texts(2);
    async([&] { texts.put(text()); });
    async([&] { texts.put(text()); });
    EXPECT_EQ(texts.take(), "rank 0 calls barrier while another thread of it is in barrier");
    team.send(1, 1);
    EXPECT_EQ(texts.take(), "");
  });
}

TEST_F(SpmdFailuresOnce, MessagesThatAreLostWithAConnectionAreAnError) {
  restart(2, {.lazy = false});
  static std::atomic<int> step;
  step = 0;
  std::atomic<bool> over = false;
  std::jthread breaker([&] {
    const Node::Scope here(cluster().master());
    EXPECT_TRUE(eventually([] { return step == 1; }));
    cluster().stall(2, 3);
    step = 2;
    EXPECT_TRUE(eventually([] { return step == 3; }));
    cluster().cut(2, 3);
    while (!over) {
      cluster().advance(5s);
      std::this_thread::sleep_for(1ms);
    }
  });
  const auto rank = [](Team& team) {
    team.barrier();
    if (team.rank() == 0) {
      step = 1;
      EXPECT_TRUE(eventually([] { return step == 2; }));
      team.send(1, 1);
      step = 3;
    }
    team.receive<int>(1 - team.rank());
  };
  const auto text = thrown_by<RemoteException>([&] { spmd({2, 3}, rank); });
  over = true;
  breaker.join();
  EXPECT_TRUE(contains(text, "messages from rank 0 to rank 1 are lost")) << text;
}

}  // namespace
}  // namespace cohort::test
