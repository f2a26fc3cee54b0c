// Several nodes in one process: masters of clusters of their own, and workers beside their master.

#include <cohort/node.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include <cohort/child_process.hpp>
#include <cohort/worker_acceptor.hpp>

#include "cluster_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

std::size_t entries_of(const char* directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

// In KiB.
long resident_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return 0;
}

/// Workers that are nodes of this process, connected by memory.
class InProcessManager final : public ClusterManager {
 public:
  explicit InProcessManager(int count) : count_(count) {}

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    for (int i = 0; i < count_; i++) {
      WorkerConfig config;
      {
        const std::lock_guard lock(mutex_);
        config.connect_at = std::to_string(nodes_.size());
        nodes_[config.connect_at] =
            std::make_shared<Node>(WorkerOptions{.cookie = params.cookie, .manager = connects_to(*this)});
      }
      launched.push(std::move(config));
    }
  }
  void manage(Pid, WorkerConfig& config, ManageOp op) override {
    if (op == ManageOp::finalize) end(config.connect_at);
  }
  IoPair connect(Pid, WorkerConfig& config, Transport&, Clock::time_point) override {
    auto [near, far] = make_buffer_pair();
    node_at(config.connect_at)->process_messages(std::move(far));
    return std::move(near);
  }
  /// As a process that is killed.
  void end(const std::string& address) {
    std::shared_ptr<Node> node;
    {
      const std::lock_guard lock(mutex_);
      node = std::exchange(nodes_[address], nullptr);
    }
  }

 private:
  // The nodes must not own the manager that owns them.
  static std::shared_ptr<ClusterManager> connects_to(InProcessManager& manager) {
    return {std::shared_ptr<void>(), &manager};
  }
  std::shared_ptr<Node> node_at(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto& node = nodes_[address];
    if (node == nullptr) throw Error("no worker is at " + address);
    return node;
  }

  const int count_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> nodes_;
};

using NodesTest = ClusterTest;

TEST_F(NodesTest, TwoClustersOfOneProcessKnowNothingOfEachOther) {
  std::latch both_up(2);
  std::array<std::string, 2> cookies;
  const auto use = [&](int number) {
    Node master;
    const Node::Scope here(master);
    const auto pids = addprocs(2);
    EXPECT_EQ(pids, (std::vector<Pid>{2, 3}));
    both_up.arrive_and_wait();
    cookies[static_cast<std::size_t>(number)] = cluster_cookie();
    set_value("number", number);
    EXPECT_EQ(nprocs(), 3);
    for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch([] { return *value<int>("number"); }, pid), number);
    const auto squares = pmap([](int x) { return x * x; }, range(1, 100));
    EXPECT_EQ(squares.back(), 10'000);
    // A function of this process runs on the node that calls it.
    EXPECT_EQ(remotecall_fetch([] { return remotecall_fetch([] { return nprocs(); }, master_pid); }, pids[0]), 3);
  };
  std::jthread one(use, 1);
  use(0);
  one.join();
  EXPECT_NE(cookies[0], cookies[1]);
  EXPECT_EQ(nprocs(), 1) << "the session's own cluster";
}

TEST_F(NodesTest, ALaunchThatFailsThrowsAndTheProgramGoesOn) {
  Node master;
  const Node::Scope here(master);
  AddprocsOptions wrong;
  wrong.exename = "/no/such/program";
  EXPECT_THROW(addprocs(1, wrong), Error);
  EXPECT_EQ(addprocs(1).size(), 1u);
}

/// A launch that is called off as soon as it has begun, and ends then.
class CalledOffManager final : public ClusterManager {
 public:
  void launch(const LaunchParams& params, LaunchQueue&) override {
    stop_.request_stop();
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, params.stop, [] { return false; });
  }
  void manage(Pid, WorkerConfig&, ManageOp) override {}
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
};

TEST_F(NodesTest, ALaunchThatWasCalledOffDoesNotGoOnBesideTheEndOfItsMaster) {
  for (int i = 0; i < 200; i++) {
    const Node master;
    const Node::Scope here(master);
    const auto manager = std::make_shared<CalledOffManager>();
    AddprocsOptions options;
    options.stop_token = manager->stop();
    EXPECT_THROW(addprocs(manager, options), CancelledException);
  }
}

TEST_F(NodesTest, NodesThatWereStoppedLeaveNothing) {
  for (int i = 0; i < 20; i++) const Node warm_up;
  const auto descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
  const long memory = resident_memory();
  for (int i = 0; i < 1000; i++) {
    Node node;
    EXPECT_EQ(node.id(), master_pid);
    if (i % 2 == 0) node.stop();
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
  EXPECT_TRUE(eventually([&] { return entries_of("/proc/self/task") <= threads; }));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_memory(), memory + 2000) << "a leak of 2 KiB for each would show";
#else
  static_cast<void>(memory);
#endif
}

TEST_F(NodesTest, WorkersMayBeInTheProcessOfTheirMaster) {
  Node master;
  const Node::Scope here(master);
  const auto manager = std::make_shared<InProcessManager>(3);
  const auto pids = addprocs(manager);
  ASSERT_EQ(pids.size(), 3u);
  for (const Pid from : pids) {
    EXPECT_EQ(remotecall_fetch([] { return myid(); }, from), from);
    for (const Pid to : pids)
      EXPECT_EQ(remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, from, to),
                to);
  }
  const auto future = remotecall([](int x) { return std::vector<int>(100'000, x); }, pids[0], 7);
  EXPECT_EQ(remotecall_fetch([](const Future<std::vector<int>>& all) { return all.fetch().back(); }, pids[1], future),
            7);
  RemoteChannel<int> numbers(4, pids[2]);
  remote_do([](const RemoteChannel<int>& channel) { channel.put(myid()); }, pids[1], numbers);
  EXPECT_EQ(numbers.take(), pids[1]);
  const auto who = pmap([](int) { return myid(); }, range(1, 60));
  EXPECT_EQ(std::set<Pid>(who.begin(), who.end()), (std::set<Pid>{2, 3, 4}));
}

TEST_F(NodesTest, AWorkerThatGoesIsLostAsAProcessIs) {
  Node master;
  const Node::Scope here(master);
  const auto manager = std::make_shared<InProcessManager>(2);
  addprocs(manager);
  manager->end("0");
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
  EXPECT_THROW(remotecall_fetch([] { return myid(); }, 2), ProcessExitedException);
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, 3), 3);
}

TEST_F(NodesTest, AWorkerServesUntilItsMasterLetsItGoOrIsLost) {
  for (const bool let_go : {true, false}) {
    std::optional<Node> master(std::in_place);
    std::optional<Node::Scope> here(*master);
    std::optional<WorkerAcceptor> acceptor(std::in_place, [](WorkerConfig) {});
    ASSERT_NO_THROW(addprocs(std::make_shared<InProcessManager>(0)));
    class Joins final : public ClusterManager {
     public:
      void launch(const LaunchParams&, LaunchQueue& launched) override { later_ = launched.keep_open(); }
      void manage(Pid, WorkerConfig&, ManageOp) override {}
      std::shared_ptr<LaunchQueue> later_;
    };
    const auto manager = std::make_shared<Joins>();
    addprocs(manager);
    acceptor.emplace([&](WorkerConfig worker) { manager->later_->push(std::move(worker)); });
    Node worker(WorkerOptions{.cookie = cluster_cookie()});
    EXPECT_EQ(worker.id(), no_pid);
    auto [near, far] = make_buffer_pair();
    acceptor->process_messages(std::move(far));
    {
      const Node::Scope at_worker(worker);
      EXPECT_THROW(pmap([](int x) { return x; }, range(1, 3)), Error) << "it knows no other workers yet";
      EXPECT_THROW(spawnat(any, [] { return 1; }), Error);
      EXPECT_THROW(everywhere([] {}), Error);
      EXPECT_THROW(workers(), Error);
    }
    worker.join_cluster(std::move(near));
    EXPECT_THROW(worker.join_cluster(make_buffer_pair().first), Error);
    ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
    EXPECT_EQ(worker.id(), 2);
    if (let_go) {
      rmprocs(2);
      EXPECT_EQ(worker.serve(), 0);
    } else {
      here.reset();
      manager->later_.reset();
      master.reset();
      EXPECT_EQ(worker.serve(), 0) << "its master let it go when it ended";
    }
  }
}

std::atomic<int> interrupted;

void wait_for_ever(const Future<void>& begun) {
  begun.put();
  try {
    Channel<int>(1).take();
  } catch (const InterruptedException&) {
    interrupted++;
    throw;
  }
}

// Nobody else could end their waits.
TEST_F(NodesTest, FunctionsThatItRunsForItselfAreInterruptedAtTheEnd) {
  interrupted = 0;
  {
    Node master;
    const Node::Scope here(master);
    addprocs(std::make_shared<InProcessManager>(1));
    const Future<void> on_master(1), on_worker(1);
    remote_do(fn<wait_for_ever>, 1, on_master);
    remote_do([](const Future<void>& begun) { remotecall_wait(fn<wait_for_ever>, myid(), begun); }, 2, on_worker);
    on_master.wait();
    on_worker.wait();
  }
  EXPECT_EQ(interrupted, 2);
}

TEST_F(NodesTest, AHandleOfOneClusterIsNotSentInAnother) {
  Node one, other;
  std::optional<Node::Scope> here(one);
  addprocs(std::make_shared<InProcessManager>(1));
  const RemoteChannel<int> channel(1);
  here.reset();
  here.emplace(other);
  addprocs(std::make_shared<InProcessManager>(1));
  try {
    remotecall_fetch([](const RemoteChannel<int>& theirs) { return theirs.owner(); }, 2, channel);
    FAIL() << "it would be another channel there";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("of another cluster"), std::string::npos) << error.what();
  }
  EXPECT_EQ(remotecall_fetch([] { return 3; }, 2), 3);
}

// Else each worker would launch workers that do the same.
TEST_F(NodesTest, AProgramWhoseWorkersHaveNoSessionIsToldSo) {
  SpawnOptions spawn;
  spawn.command = {COHORT_NODE_WITHOUT_SESSION};
  ChildProcess program = ChildProcess::spawn(spawn);
  std::string told;
  char buffer[4096];
  for (ssize_t n; (n = ::read(program.err(), buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<std::size_t>(n));
  const auto status = program.wait_until(deadline_after(20s));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, 1);
  EXPECT_NE(told.find("this process was launched as a worker, and its main() does not begin with"), std::string::npos)
      << told;
}

TEST_F(NodesTest, TheFunctionsThrowOnceTheNodeOfTheScopeWasStopped) {
  Node first;
  {
    const Node::Scope here(first);
    EXPECT_EQ(nprocs(), 1);
    Node moved = std::move(first);
    EXPECT_EQ(nprocs(), 1);
    moved.stop();
    EXPECT_THROW(nprocs(), Error);
    {
      const Node another;
      const Node::Scope within(another);
      EXPECT_EQ(nprocs(), 1);
    }
    EXPECT_THROW(nprocs(), Error);
    EXPECT_THROW(addprocs(1), Error);
  }
  EXPECT_EQ(nprocs(), 1) << "the session's";
}

TEST_F(NodesTest, WhatCannotBeIsRefused) {
  EXPECT_THROW(Node(NodeOptions{.timeouts = {.launch = -1s}}), ConfigError);

  EXPECT_THROW(Node(WorkerOptions{.cookie = ""}), ConfigError);
  Node master;
  EXPECT_THROW(master.serve(), Error);
  EXPECT_THROW(master.join_cluster(make_buffer_pair().first), Error);
  EXPECT_THROW(master.process_messages(make_buffer_pair().first), Error);
  master.stop();
  EXPECT_THROW(master.id(), Error);
  EXPECT_THROW(const Node::Scope here(master), Error);
}

}  // namespace
}  // namespace cohort::test
