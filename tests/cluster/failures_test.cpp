// Groups G, H and M: what goes wrong in a call stays in that call.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <cohort/array.hpp>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using FailuresTest = ClusterTest;

std::string cause_of_death(const std::function<void()>& body) {
  try {
    body();
  } catch (const ProcessExitedException& error) {
    return error.cause();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "nothing was thrown";
}

TEST_F(FailuresTest, EveryFormOfACallLearnsHowTheWorkerEnded) {
  const auto pids = addprocs(5);
  const auto expect = [](const std::string& cause, const std::string& part) {
    EXPECT_TRUE(contains(cause, part)) << cause;
  };
  expect(cause_of_death([&] { remotecall_fetch([] { abort(); }, pids[0]); }), "killed by signal 6 (Aborted)");
  expect(cause_of_death([&] { remotecall_wait([] { exit(3); }, pids[1]).fetch(); }), "exited with code 3");
  expect(cause_of_death([&] { remotecall([] { std::terminate(); }, pids[2]).fetch(); }), "killed by signal 6");
  auto computing = remotecall(
      [] {
        for (volatile bool on = true; on;) continue;
      },
      pids[3]);
  std::vector<Future<int>> queued;
  for (int i = 0; i < 100; i++) queued.push_back(remotecall([] { return 1; }, pids[3]));
  remote_do([] { raise(SIGKILL); }, pids[4]);
  expect(cause_of_death([&] {
           remotecall_fetch(
               [] {
                 for (;;) interruption_point();
               },
               pids[4]);
         }),
         "");
  rmprocs(pids[3]);  // a function that does not listen: it is left alone with its process
  EXPECT_NE(cause_of_death([&] { computing.fetch(); }), "nothing was thrown");
  for (auto& future : queued) EXPECT_NE(cause_of_death([&] { future.fetch(); }), "nothing was thrown");
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
}

TEST_F(FailuresTest, AWorkerThatWaitsForADeadOneIsTold) {
  addprocs(2);
  // By way of worker 2, so that those two are connected.
  const int victim = remotecall_fetch([] { return remotecall_fetch([] { return getpid(); }, 3); }, 2);
  Future<int> never_set(myid());
  auto waiting = remotecall(
      [](Future<int> f) {
        try {
          remotecall_fetch([](Future<int> inner) { return inner.fetch(); }, 3, f);
        } catch (const ProcessExitedException& error) {
          return error.worker_id();
        }
        return no_pid;
      },
      2, never_set);
  EXPECT_TRUE(eventually([] { return reference_count(1) == 1; }));
  ASSERT_EQ(kill(victim, SIGKILL), 0);
  EXPECT_EQ(waiting.fetch(), 3);
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, 2), 2);
}

// What a call of worker `from` to worker `to` fails with there: "2: killed by signal 9 (Killed)".
template <class F>
std::string death_seen_by(Pid from, Pid to, F) {
  return remotecall_fetch(
      [](Pid callee) -> std::string {
        try {
          remotecall_fetch(F{}, callee);
          return "answered";
        } catch (const ProcessExitedException& error) {
          return std::to_string(error.worker_id()) + ": " + error.cause();
        } catch (const std::exception& error) {
          return std::string("another exception: ") + error.what();
        }
      },
      from, to);
}

TEST_F(FailuresTest, WorkersLearnHowAnotherOneEnded) {
  const auto pids = addprocs(5);
  const auto killed = [] { raise(SIGKILL); };
  const auto exits = [] {
    fprintf(stderr, "no licence left\n");
    exit(3);
  };
  const auto id = [] { return myid(); };
  EXPECT_EQ(death_seen_by(pids[0], pids[1], killed), "3: killed by signal 9 (Killed)") << "an open call";
  for (const Pid from : {pids[0], pids[2]}) {  // one that was connected, one that was not
    EXPECT_EQ(death_seen_by(from, pids[1], id), "3: killed by signal 9 (Killed)") << "a later call of " << from;
  }
  const std::string last_words = "5: exited with code 3; its last words on standard error:\nno licence left";
  EXPECT_EQ(death_seen_by(pids[4], pids[3], exits), last_words);
  EXPECT_EQ(death_seen_by(pids[0], pids[3], id), last_words);
  rmprocs(pids[4]);
  EXPECT_EQ(death_seen_by(pids[0], pids[4], id), "6: removed");
  const Pid newcomer = addprocs(1).front();
  for (const Pid gone : {pids[1], pids[3], pids[4]})
    EXPECT_TRUE(death_seen_by(newcomer, gone, id).starts_with(std::to_string(gone) + ": ")) << gone;
  EXPECT_EQ(death_seen_by(newcomer, 99, id), "another exception: no process with id 99 exists");
  EXPECT_EQ(death_seen_by(newcomer, pids[0], id), "answered");
  EXPECT_EQ(thrown_by<ProcessExitedException>([&] { procs(pids[4]); }), "process 6 exited: removed");
}

// However far its death has come when another worker calls it for the first time.
TEST_F(FailuresTest, AFirstCallToADyingWorkerSaysThatItEnded) {
  for (int round = 0; round < 4; round++) {
    const auto pids = addprocs(2);
    const Pid victim = pids[static_cast<std::size_t>(round % 2)],
              caller = pids[static_cast<std::size_t>(1 - round % 2)];
    const int process = remotecall_fetch([] { return getpid(); }, victim);
    const bool is_stopped_first = round >= 2;
    ASSERT_EQ(kill(process, is_stopped_first ? SIGSTOP : SIGKILL), 0);
    Future<bool> calling(myid());
    auto seen = remotecall(
        [](Pid to, Future<bool> begun) -> std::string {
          try {
            begun.put(true);
            remotecall_fetch([] { return 1; }, to);
            return "answered";
          } catch (const ProcessExitedException& error) {
            return error.cause();
          } catch (const std::exception& error) {
            return std::string("another exception: ") + error.what();
          }
        },
        caller, victim, calling);
    calling.wait();
    kill(process, SIGKILL);
    EXPECT_EQ(seen.fetch(), "killed by signal 9 (Killed)") << "round " << round;
    rmprocs(caller);
  }
}

// The worker reads no more, so most of the argument is still to be sent when it is killed.
TEST_F(FailuresTest, AKillInTheMiddleOfALargeArgumentEndsTheCall) {
  const Pid pid = addprocs(1).front();
  const int ospid = remotecall_fetch([] { return getpid(); }, pid);
  ASSERT_TRUE(stop_process(ospid));
  Future<std::size_t> size =
      remotecall([](const Array<double>& v) { return v.size(); }, pid, Array<double>(std::vector<double>(5'000'000)));
  ASSERT_EQ(kill(ospid, SIGKILL), 0);
  EXPECT_TRUE(contains(cause_of_death([&] { size.fetch(); }), "killed by signal 9 (Killed)"));
}

// What is borrowed is sent within the call, which must not outwait the receiver.
TEST_F(FailuresTest, AKillEndsACallThatWaitsToSend) {
  const Pid pid = addprocs(1).front();
  const int ospid = remotecall_fetch([] { return getpid(); }, pid);
  ASSERT_TRUE(stop_process(ospid));
  std::atomic<bool> sending{false};
  std::jthread caller([&] {
    const std::vector<double> large(20'000'000, 1.5);
    sending = true;
    EXPECT_THROW(remotecall_fetch([](std::vector<double> v) { return v.size(); }, pid, large), ProcessExitedException);
  });
  EXPECT_TRUE(eventually([&] { return sending.load(); }));
  ASSERT_EQ(kill(ospid, SIGKILL), 0);
}

TEST_F(FailuresTest, OthersAreUnharmedByADeath) {
  const auto pids = addprocs(3);
  Future<int> gate(myid());
  std::vector<Future<int>> futures;
  for (int i = 0; i < 300; i++) {
    futures.push_back(remotecall(
        [](Future<int> opened, int n) {
          opened.fetch();
          if (n == 100) raise(SIGKILL);
          return n;
        },
        pids[static_cast<std::size_t>(i % 3)], gate, i));
  }
  gate.put(0);
  int answered = 0, lost = 0;
  for (auto& future : futures) {
    try {
      future.fetch();
      answered++;
    } catch (const ProcessExitedException& error) {
      EXPECT_EQ(error.worker_id(), pids[1]);
      EXPECT_TRUE(contains(error.cause(), "killed by signal 9 (Killed)")) << error.cause();
      lost++;
    }
  }
  EXPECT_GE(answered, 200);
  EXPECT_GE(lost, 1);
  EXPECT_EQ(answered + lost, 300);
  // Later calls are told too.
  EXPECT_TRUE(contains(cause_of_death([&] { remotecall_fetch([] {}, pids[1]); }), "killed by signal 9 (Killed)"));
}

struct Mute final : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

TEST_F(FailuresTest, OddExceptionsArriveToo) {
  const Pid pid = addprocs(1).front();
  for (Pid p : {pid, myid()}) {
    EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch([] { throw Mute(); }, p); }), "Mute"));
    EXPECT_TRUE(contains(
        thrown_by<RemoteException>([&] { remotecall_fetch([] { throw std::string(5'000'000, 'x'); }, p); }), "string"));
    EXPECT_GT(thrown_by<RemoteException>([&] {
                remotecall_fetch([] { throw Error(std::string(5'000'000, 'x')); }, p);
              }).size(),
              5'000'000u);
    EXPECT_THROW(remotecall_wait([] { throw Error("no"); }, p), RemoteException);
    auto failed = remotecall([] { throw std::bad_alloc(); }, p);
    EXPECT_THROW(failed.fetch(), RemoteException);
  }
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

TEST_F(FailuresTest, AFunctionCalledByRemoteDoFailsOnItsWorkersErrorOutput) {
  const Pid pid = addprocs(1).front();
  CapturedStderr captured;
  remote_do([] { throw Error("out of cheese"); }, pid);
  remote_do([] { throw Error("out of bread"); }, myid());
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
  EXPECT_TRUE(eventually([&] { return captured.has("out of cheese") && captured.has("out of bread"); }))
      << captured.text();
}

// What plugins and functions say goes to a terminal as text, and not all of it if it is long.
class Talkative final : public ClusterManager {
 public:
  void launch(const LaunchParams& params, LaunchQueue& launched) override { inner_->launch(params, launched); }
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override {
    inner_->manage(pid, config, op);
    throw Error("managed\x1b[2J" + std::string(1'000'000, 'm'));
  }
  void kill(Pid pid, WorkerConfig& config) override { inner_->kill(pid, config); }
  std::string exit_cause(Pid, WorkerConfig&) override {
    asked = true;
    if (blocks) eventually([this] { return released.load(); }, std::chrono::seconds(60));
    return "gone\x1b[2J" + std::string(1'000'000, 'x');
  }
  bool blocks = false;
  std::atomic<bool> asked{false}, released{false};

 private:
  const std::shared_ptr<ClusterManager> inner_ = load_manager("local", R"({"count": 1})");
};

TEST_F(FailuresTest, WhatPluginsAndFunctionsSayIsShownAsText) {
  CapturedStderr captured;
  const auto manager = std::make_shared<Talkative>();
  const Pid pid = addprocs(manager).front();
  remote_do([] { throw Error("done\x1b[2J" + std::string(1'000'000, 'd')); }, pid);
  EXPECT_TRUE(eventually([&] { return captured.has("done\\x1b[2J"); }));
  const std::string cause = cause_of_death([&] { remotecall_fetch([] { raise(SIGKILL); }, pid); });
  EXPECT_TRUE(contains(cause, "gone\\x1b[2J")) << cause.substr(0, 300);
  EXPECT_LT(cause.size(), 4000u) << "with its last words on standard error";
  EXPECT_TRUE(
      eventually([&] { return captured.has("manage() for worker " + std::to_string(pid) + ": managed\\x1b[2J"); }));
  EXPECT_FALSE(captured.has("\x1b"));
  EXPECT_LT(captured.text().size(), 500'000u);
}

TEST_F(FailuresTest, AManagerThatDoesNotSayWhyAWorkerEndedHoldsNobodyUp) {
  const auto manager = std::make_shared<Talkative>();
  manager->blocks = true;
  const Pid pid = addprocs(manager).front();
  std::string cause;
  thrown_within(std::chrono::seconds(5), [&] {
    cause = cause_of_death([&] { remotecall_fetch([] { raise(SIGKILL); }, pid); });
    throw Error(cause);
  });
  EXPECT_TRUE(manager->asked.load());
  EXPECT_FALSE(contains(cause, "gone")) << cause;
  EXPECT_EQ(nprocs(), 1);
  manager->released = true;
}

struct Picky {
  int value = 0;
  void save(OutArchive& archive) const { archive(value); }
  void load(InArchive& archive) {
    archive(value);
    if (value < 0) throw BadMessage("negative");
  }
};

TEST_F(FailuresTest, AResultThatCannotBeDecodedIsAnExceptionAndTheConnectionLives) {
  const Pid pid = addprocs(1).front();
  auto make = [](int n) { return Picky{n}; };
  EXPECT_TRUE(contains(thrown_by<Error>([&] { remotecall_fetch(make, pid, -1); }), "negative"));
  auto future = remotecall(make, pid, -1);
  EXPECT_TRUE(contains(thrown_by<Error>([&] { future.fetch(); }), "negative"));
  EXPECT_TRUE(contains(thrown_by<Error>([&] { future.fetch(); }), "negative"));
  EXPECT_EQ(remotecall_fetch(make, pid, 3).value, 3);
  EXPECT_EQ(reference_count(pid), 0u);
}

TEST_F(FailuresTest, AReferenceInAnArgumentThatCannotBeDecodedIsReleased) {
  const Pid pid = addprocs(1).front();
  {
    Future<int> open(myid());
    EXPECT_THROW(remotecall_fetch([](Future<int>, Picky) {}, pid, open, Picky{-1}), RemoteException);
  }
  EXPECT_TRUE(eventually([] { return reference_count(1) == 0; }));
}

TEST_F(FailuresTest, ABlockedCallDoesNotHoldUpLaterOnes) {
  const Pid pid = addprocs(1).front();
  Future<int> gate(myid());
  std::vector<Future<int>> blocked;
  for (int i = 0; i < 50; i++) blocked.push_back(remotecall([](Future<int> f) { return f.fetch(); }, pid, gate));
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
  gate.put(7);
  for (auto& future : blocked) EXPECT_EQ(future.fetch(), 7);
}

TEST_F(FailuresTest, AContinuationRunsThoughAllThreadsAreBlocked) {
  Future<int> gate(myid()), other(myid());
  std::vector<Future<int>> blocked;
  for (int i = 0; i < 1100; i++) blocked.push_back(remotecall([](Future<int> f) { return f.fetch(); }, myid(), gate));
  EXPECT_TRUE(eventually([&] { return blocked.back().is_ready(); }, std::chrono::seconds(60)));  // a thousand threads
  const auto next = other.then([](Future<int> f) { return f.fetch() + 1; });
  other.put(1);
  EXPECT_EQ(next.fetch({.deadline = std::chrono::seconds(20)}), 2);
  gate.put(7);
  EXPECT_EQ(blocked.front().fetch(), 7);
}

TEST_F(FailuresTest, MoreBlockedCallsThanAWorkerHasThreadsAreRefused) {
  const Pid pid = addprocs(1).front();
  Future<int> gate(myid());
  std::vector<Future<int>> blocked;
  for (int i = 0; i < 1100; i++) blocked.push_back(remotecall([](Future<int> f) { return f.fetch(); }, pid, gate));
  EXPECT_TRUE(eventually([&] { return blocked.back().is_ready(); }, std::chrono::seconds(60)));  // a thousand threads
  EXPECT_LT(ping(pid), std::chrono::seconds(10));
  gate.put(7);
  int right = 0, refused = 0;
  for (auto& future : blocked) {
    try {
      right += future.fetch() == 7;
    } catch (const RemoteException& error) {
      refused += error.kind() == ErrorKind::overloaded;
    }
  }
  EXPECT_EQ(right, 1023);
  EXPECT_EQ(refused, 77);
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

}  // namespace
}  // namespace cohort::test
