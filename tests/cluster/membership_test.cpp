// Groups A, B, U: who is there, and how workers come and go.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using MembershipTest = ClusterTest;

TEST_F(MembershipTest, IdsRiseAndAreNeverReused) {
  EXPECT_EQ(addprocs(2), (std::vector<Pid>{2, 3}));
  rmprocs(3);
  EXPECT_EQ(addprocs(1), std::vector<Pid>{4});
  EXPECT_EQ(procs(), (std::vector<Pid>{1, 2, 4}));
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 4}));
  EXPECT_EQ(nprocs(), 3);
  EXPECT_EQ(nworkers(), 2);
}

TEST_F(MembershipTest, EveryWorkerKnowsAllWhenAddprocsReturnsAndAfterRemovals) {
  addprocs(2);
  addprocs(2);
  for (Pid pid : workers()) EXPECT_EQ(remotecall_fetch([] { return procs(); }, pid), procs());
  rmprocs(3);
  for (Pid pid : workers()) {
    EXPECT_TRUE(eventually([&] { return remotecall_fetch([] { return procs(); }, pid) == procs(); }));
  }
}

TEST_F(MembershipTest, WhereAProcessRunsIsKnownToEveryProcess) {
  AddprocsOptions options;
  options.threads = 3;
  const auto pids = addprocs(2, options);
  std::array<char, 256> name{};
  ASSERT_EQ(gethostname(name.data(), name.size() - 1), 0);
  for (const Pid pid : pids) {
    const ProcessInfo info = process_info(pid);
    EXPECT_EQ(info.host, name.data());
    EXPECT_EQ(info.ospid, remotecall_fetch([] { return getpid(); }, pid));
    EXPECT_EQ(info.threads, 3);
    EXPECT_EQ(info.manager, "local");
    EXPECT_EQ(remotecall_fetch([](Pid of) { return process_info(of).ospid; }, pids[0], pid), info.ospid);
  }
  EXPECT_EQ(process_info(master_pid).ospid, getpid());
  EXPECT_EQ(process_info(master_pid).manager, "");
  rmprocs(pids[1]);
  for (const Pid from : {master_pid, pids[0]}) {
    const auto kind = [](Pid of) -> std::string {
      try {
        process_info(of);
      } catch (const ProcessExitedException&) {
        return "exited";
      } catch (const RemoteException&) {
        return "remote";
      } catch (const Error&) {
        return "never was";
      }
      return "";
    };
    EXPECT_EQ(remotecall_fetch(kind, from, pids[1]), "exited") << from;
    EXPECT_EQ(remotecall_fetch(kind, from, Pid{99}), "never was") << from;
  }
}

TEST_F(MembershipTest, TwoAddprocsAtOnce) {
  std::vector<Pid> first, second;
  {
    std::jthread a([&] { first = addprocs(2); });
    std::jthread b([&] { second = addprocs(2); });
  }
  EXPECT_EQ(first.size(), 2u);
  EXPECT_EQ(second.size(), 2u);
  first.insert(first.end(), second.begin(), second.end());
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, (std::vector<Pid>{2, 3, 4, 5}));
  for (Pid pid : first) EXPECT_EQ(remotecall_fetch([] { return nworkers(); }, pid), 4);
}

TEST_F(MembershipTest, OnlyTheMasterAddsAndRemoves) {
  const Pid pid = addprocs(1).front();
  const std::string text = "Only process 1 can add and remove workers";
  EXPECT_TRUE(contains(thrown_by([&] { remotecall_fetch([] { return addprocs(1); }, pid); }), text));
  EXPECT_TRUE(contains(thrown_by([&] { remotecall_fetch([] { rmprocs(2); }, pid); }), text));
}

TEST_F(MembershipTest, UnknownOptionsAndTopologiesAreRefused) {
  EXPECT_TRUE(contains(thrown_by<ConfigError>([] { addprocs("local", R"({"cuont": 1})"); }), "did you mean 'count'"));
  EXPECT_THROW(addprocs(1, {.topology = "star"}), ConfigError);
  addprocs(1, {.topology = "master_worker"});
  EXPECT_EQ(thrown_by([] { addprocs(1, {.topology = "all_to_all"}); }),
            "Workers with Topology master_worker already exist. Requested Topology all_to_all cannot be set.");
}

TEST_F(MembershipTest, UnconnectedWorkersCannotCallEachOther) {
  addprocs(2, {.topology = "master_worker"});
  EXPECT_TRUE(contains(thrown_by([] { remotecall_fetch([] { return remotecall_fetch([] { return 1; }, 3); }, 2); }),
                       "peer 3 is not connected to 2. Topology : master_worker"));
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 2); }, 2), 2);
}

TEST_F(MembershipTest, NotLazyWorkersAreConnectedFromTheStart) {
  addprocs(3, {.lazy = false});
  EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return myid(); }, 4); }, 2), 4);
  EXPECT_EQ(thrown_by([] { addprocs(1, {.lazy = true}); }), "Active workers with lazy=false. Cannot set lazy=true");
}

TEST_F(MembershipTest, RemovalIgnoresTheUnknownAndTheMaster) {
  addprocs(1);
  rmprocs({1, 77});
  EXPECT_EQ(nworkers(), 1);
  rmprocs({2, 2, 99});
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(MembershipTest, AWorkerKilledInACallIsAnExceptionWithItsCause) {
  const Pid pid = addprocs(1).front();
  try {
    remotecall_fetch([] { kill(getpid(), SIGKILL); }, pid);
    FAIL() << "nothing was thrown";
  } catch (const ProcessExitedException& error) {
    EXPECT_EQ(error.worker_id(), pid);
    EXPECT_TRUE(contains(error.cause(), "killed by signal 9 (Killed)")) << error.cause();
  }
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
}

TEST_F(MembershipTest, AWorkersLastWordsAreInTheCause) {
  const Pid pid = addprocs(1).front();
  const auto text = thrown_by<ProcessExitedException>([&] {
    remotecall_fetch(
        [] {
          fputs("out of cheese\n", stderr);
          _exit(7);
        },
        pid);
  });
  EXPECT_TRUE(contains(text, "exited with code 7")) << text;
  EXPECT_TRUE(contains(text, "out of cheese")) << text;
}

std::atomic<bool> signalled{false};  // the signal may come on another thread; lock-free, so a handler may set it
static_assert(std::atomic<bool>::is_always_lock_free);

// Between the file and the signal it only computes. @return whether it was interrupted meanwhile.
bool compute_until_signalled(const std::string& begun) {
  std::signal(SIGINT, [](int) { signalled = true; });
  std::ofstream(begun) << "begun";
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!signalled && std::chrono::steady_clock::now() < end) continue;
  return signalled && this_call().stop_requested();
}

TEST_F(MembershipTest, AWorkerThatOnlyComputesAnswersAPingAndAFetchAndHearsAnInterrupt) {
  const Pid pid = addprocs(1).front();
  auto stored = remotecall([] { return std::vector<int>(100'000, 1); }, pid);
  stored.wait();
  const TemporaryDirectory directory;
  const std::string begun = directory.path("begun");
  auto busy = remotecall(fn<compute_until_signalled>, pid, begun);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
  EXPECT_LT(ping(pid, std::chrono::seconds(20)), std::chrono::seconds(2));
  EXPECT_EQ(stored.fetch({.deadline = std::chrono::seconds(20)}).size(), 100'000u);
  EXPECT_FALSE(busy.is_ready());
  interrupt({pid});  // as the message alone does not end it, the manager sends SIGINT then
  EXPECT_TRUE(busy.fetch()) << "it did not hear of the interrupt while it computed";
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

// Neither by the message nor by the signal that the manager sends then.
TEST_F(MembershipTest, AnInterruptDoesNotEndAWorkerWhoseFunctionNeverLooks) {
  const Pid pid = addprocs(1).front();
  const TemporaryDirectory directory;
  auto busy = remotecall(
      [](std::string begun, std::string go_on) {
        std::ofstream(begun) << "begun";
        while (!std::filesystem::exists(go_on)) continue;
        return this_call().stop_requested();
      },
      pid, directory.path("begun"), directory.path("go on"));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory.path("begun")); }));
  interrupt({pid});  // returns after the signal
  EXPECT_EQ(workers(), std::vector<Pid>{pid});
  std::ofstream(directory.path("go on")) << "now";
  EXPECT_TRUE(busy.fetch());
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

TEST_F(MembershipTest, ASignalOfSomebodyElseInterruptsToo) {
  const Pid pid = addprocs(1).front();
  EXPECT_TRUE(remotecall_fetch(
      [] {
        kill(getpid(), SIGINT);
        for (const auto end = deadline_after(std::chrono::seconds(60)); Clock::now() < end;)
          if (this_call().stop_requested()) return true;
        return false;
      },
      pid));
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
}

TEST_F(MembershipTest, AnInterruptIsAnExceptionInWhatRunsAndNothingToAnIdleWorker) {
  const Pid pid = addprocs(1).front();
  const TemporaryDirectory directory;
  const std::string begun = directory.path("begun");
  auto busy = remotecall(
      [](std::string file) {
        std::ofstream(file) << "begun";
        for (const auto end = deadline_after(std::chrono::seconds(60)); Clock::now() < end;) interruption_point();
      },
      pid, begun);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
  EXPECT_FALSE(busy.is_ready());
  interrupt({pid});
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { busy.fetch(); }), "interrupted"));
  EXPECT_EQ(remotecall_fetch([] { return 1; }, pid), 1);
  interrupt({pid});
  EXPECT_EQ(remotecall_fetch([] { return 2; }, pid), 2);
}

TEST_F(MembershipTest, ABlockedCallIsInterrupted) {
  const Pid pid = addprocs(1).front();
  Future<int> never_set(myid());
  auto blocked = remotecall([](Future<int> f) { return f.fetch(); }, pid, never_set);
  EXPECT_TRUE(eventually([&] { return reference_count(1) == 1; }));
  EXPECT_TRUE(eventually([&] {  // it may not have begun yet
    interrupt({pid});
    return blocked.wait_for(std::chrono::milliseconds(100));
  }));
  EXPECT_THROW(blocked.fetch(), RemoteException);
}

TEST_F(MembershipTest, TheCookieIsInNoCommandLineAndNoEnvironment) {
  addprocs(2);
  const std::string cookie = cluster_cookie();
  ASSERT_GE(cookie.size(), 32u);
  int looked_at = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    for (const char* name : {"cmdline", "environ"}) {
      const std::string text = text_of_file(entry.path() / name);
      if (!text.empty()) looked_at++;
      EXPECT_EQ(text.find(cookie), text.npos) << entry.path() << ' ' << name;
    }
  }
  EXPECT_GT(looked_at, 3);
}

}  // namespace
}  // namespace cohort::test
