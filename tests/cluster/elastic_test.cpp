// The manager elastic: workers that are started by hand join whenever they come, if they have the secret.

#include <signal.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <list>
#include <thread>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/join_file.hpp>
#include <cohort/transport.hpp>
#include <cohort/worker_acceptor.hpp>

#include "base/secret.hpp"
#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"
#include "raw_peer.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class ElasticTest : public ClusterTest {
 protected:
  std::string options(int count) const {
    return R"({"file": ")" + file() + R"(", "count": )" + std::to_string(count) + "}";
  }
  std::string file() const { return directory_.path("join.json"); }

  ChildProcess join_by_hand(const std::string& join_file) const {
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "worker", "--join", join_file};
    return ChildProcess::spawn(spawn);
  }
  ChildProcess& join() { return workers_.emplace_back(join_by_hand(file())); }

  /// How a worker that cannot join ends. @return what it says.
  static std::string refused(ChildProcess worker, int code) {
    const auto status = worker.wait_until(deadline_after(20s));
    EXPECT_TRUE(status && status->code == code) << (status ? status->text() : "still there");
    return own_output(worker);
  }
  /// The rest of what a worker printed where it was started.
  static std::string own_output(ChildProcess& worker) {
    std::string text;
    char buffer[4096];
    for (const int descriptor : {worker.out(), worker.err()})
      for (ssize_t n; (n = ::read(descriptor, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    return text;
  }
  static int port_of(const JoinFile& join) { return std::stoi(join.address.substr(join.address.rfind(':') + 1)); }

  const TemporaryDirectory directory_;
  std::list<ChildProcess> workers_;
};

TEST_F(ElasticTest, WorkersJoinWheneverTheyComeAndLeaveAsTheyLike) {
  EXPECT_EQ(addprocs("elastic", options(0)), std::vector<Pid>{});
  join();
  ASSERT_TRUE(eventually([] { return nworkers() == 1 && nprocs() == 2; }));
  auto& second = join();
  ASSERT_TRUE(eventually([] { return nprocs() == 3; }));
  const auto pids = workers();
  EXPECT_EQ(
      remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, pids[0], pids[1]),
      pids[1]);
  EXPECT_EQ(remotecall_fetch([] { return nprocs(); }, pids[0]), 3) << "those who were there are told";
  second.signal(SIGTERM);
  ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
  join();
  ASSERT_TRUE(eventually([] { return nprocs() == 3; }));
  EXPECT_EQ(remotecall_fetch([] { return nprocs(); }, pids[0]), 3);
}

// As managers start it whose workers dial in; it needs no tool.
TEST_F(ElasticTest, AProgramTakesAJoinFileFromItsStandardInput) {
  addprocs("elastic", options(0));
  const auto file_of_cluster = JoinFile::read(file());
  SpawnOptions spawn;
  spawn.command = {file_of_cluster.program};
  spawn.command.insert(spawn.command.end(), file_of_cluster.flags.begin(), file_of_cluster.flags.end());
  spawn.command.push_back("--cohort-join=-");
  spawn.input = file_of_cluster.text();
  workers_.push_back(ChildProcess::spawn(spawn));
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
  spawn.input = "{}";
  EXPECT_TRUE(contains(refused(ChildProcess::spawn(spawn), 1), "standard input: this is no join file"));
  spawn.input = "";
  EXPECT_TRUE(contains(refused(ChildProcess::spawn(spawn), 1), "no join file came by standard input"));
}

// The door of a job's workers, as managers of batch systems have it.
TEST_F(ElasticTest, AJoinTokenIsWorthlessAfterItsUse) {
  addprocs("elastic", options(0));  // a queue for those that come
  JoinFile join = JoinFile::read(file());
  std::promise<WorkerConfig> arrived;
  WorkerAcceptor acceptor([&](WorkerConfig worker) { arrived.set_value(std::move(worker)); });
  const auto transport = load_transport("tcp");
  join.address = acceptor.accept_at(transport->listen(""));
  join.transport_key = transport_secret(join.cookie);
  join.tokens = acceptor.make_tokens(2, std::string("of job 7"));
  const auto start = [&join](int number) {
    SpawnOptions spawn;
    spawn.command = {join.program};
    spawn.command.insert(spawn.command.end(), join.flags.begin(), join.flags.end());
    spawn.command.insert(spawn.command.end(), {"--cohort-join=-", "--cohort-worker-number=" + std::to_string(number)});
    spawn.input = join.text();
    EXPECT_FALSE(contains(spawn.input, join.cookie)) << "who has a token does not have the cookie";
    return ChildProcess::spawn(spawn);
  };
  workers_.push_back(start(1));
  auto worker = arrived.get_future();
  ASSERT_EQ(worker.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(std::any_cast<std::string>(worker.get().userdata), "of job 7");
  const std::string used = "its join token was used, or is not one of this cluster: each is good for one worker";
  EXPECT_TRUE(contains(refused(start(1), 1), used));
  acceptor.revoke(join.tokens);
  EXPECT_TRUE(contains(refused(start(0), 1), used));
  EXPECT_TRUE(contains(refused(start(2), 1), "this is worker number 2 of its job, and the join file is for 2 workers"));
}

// The master has an address in each of its networks, of which a worker may reach only one.
TEST_F(ElasticTest, AWorkerTriesAllAddressesOfTheMaster) {
  addprocs("elastic", options(0));
  JoinFile join = JoinFile::read(file());
  const std::string good = join.address;
  const auto start = [&join] {
    SpawnOptions spawn;
    spawn.command = {join.program};
    spawn.command.insert(spawn.command.end(), join.flags.begin(), join.flags.end());
    spawn.command.push_back("--cohort-join=-");
    spawn.input = join.text();
    return ChildProcess::spawn(spawn);
  };
  join.address = "127.0.0.1:1";
  join.other_addresses = {"127.0.0.1:2", good};
  workers_.push_back(start());
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
  join.other_addresses.pop_back();
  const std::string said = refused(start(), 1);
  EXPECT_TRUE(contains(said, "cannot join the master: at 127.0.0.1:")) << said;
  EXPECT_TRUE(contains(said, "at 127.0.0.1:1: ") && contains(said, "at 127.0.0.1:2: ")) << said;
}

// Schedulers send these before they end a job.
TEST_F(ElasticTest, ASignalThatEndsAWorkerOfAJobLetsItFinish) {
  const CapturedStderr err;
  addprocs("elastic", options(0));
  const JoinFile join = JoinFile::read(file());
  for (const int number : {SIGTERM, SIGUSR1}) {
    SpawnOptions spawn;
    spawn.command = {join.program};
    spawn.command.insert(spawn.command.end(), join.flags.begin(), join.flags.end());
    spawn.command.push_back("--cohort-join=-");
    spawn.input = join.text();
    auto& worker = workers_.emplace_back(ChildProcess::spawn(spawn));
    ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
    const std::string go_on = directory_.path("go on");
    const auto call = remotecall(
        [](const std::string& path) { return eventually([&] { return std::filesystem::exists(path); }) ? 7 : 0; },
        workers().back(), go_on);
    worker.signal(number);
    EXPECT_TRUE(eventually([] { return nprocs() == 1; })) << "it gets no more work";
    EXPECT_FALSE(call.is_ready());
    std::ofstream(go_on) << "now";
    EXPECT_EQ(call.fetch(), 7);
    const auto status = worker.wait_until(deadline_after(20s));
    EXPECT_TRUE(status && status->exited && status->code == 0);
    std::filesystem::remove(go_on);
  }
  EXPECT_TRUE(err.has("got SIGUSR1, and leaves when it has finished")) << err.text();
}

TEST_F(ElasticTest, WhatAWorkerPrintsComesByItsConnection) {
  const CapturedStderr out(STDOUT_FILENO), err;
  addprocs("elastic", options(0));
  auto& worker = join();
  ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
  remotecall_fetch(
      [] {
        std::printf("a line\nand a ");
        std::fprintf(stderr, "an error\n");
        std::printf("second\n");
      },
      2);
  EXPECT_TRUE(eventually([&] { return out.has("      From worker 2:\tand a second\n"); })) << out.text();
  EXPECT_TRUE(out.has("      From worker 2:\ta line\n")) << out.text();
  EXPECT_TRUE(eventually([&] { return err.has("      From worker 2:\tan error\n"); })) << err.text();
  // More than the pipes hold, and not all of it sent when it is removed.
  remotecall_fetch(
      [] {
        for (int i = 0; i < 20'000; i++) std::printf("line %d\n", i);
        std::printf("no end");
      },
      2);
  rmprocs(2);
  const std::string all = out.text();
  std::size_t place = 0;
  for (int i = 0; i < 20'000; i++) {
    place = all.find("      From worker 2:\tline " + std::to_string(i) + "\n", place);
    ASSERT_NE(place, all.npos) << i;
  }
  EXPECT_NE(all.find("      From worker 2:\tno end\n", place), all.npos);
  const auto status = worker.wait_until(deadline_after(20s));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, 0);
  EXPECT_EQ(own_output(worker), "");
}

// Whoever prints a line and dies at once has printed it: to the master, or where it was started.
TEST_F(ElasticTest, TheLastWordsOfAWorkerAreNotLost) {
  const CapturedStderr err;
  addprocs("elastic", options(0));
  for (const bool aborts : {true, false}) {
    auto& worker = join();
    ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
    remote_do(
        [](bool by_abort) {
          std::fprintf(stderr, "last words\n");
          if (by_abort) std::abort();
          std::exit(3);
        },
        workers().front(), aborts);
    ASSERT_TRUE(worker.wait_until(deadline_after(20s)).has_value());
    const std::string kept = own_output(worker);
    EXPECT_TRUE(eventually([&] { return nprocs() == 1; }));
    EXPECT_TRUE(contains(kept, "last words") || err.has("last words")) << aborts;
  }
}

TEST_F(ElasticTest, ALateWorkerHasTheModulesAndValuesAndTakesPartInTheDefaultPool) {
  addprocs("elastic", options(0));
  set_value("answer", 42);
  join();
  ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
  EXPECT_EQ(remotecall_fetch([] { return *value<int>("answer"); }, workers().front()), 42);
  EXPECT_EQ(pmap([](int) { return myid(); }, range(1, 3)), std::vector<Pid>(3, workers().front()));
}

TEST_F(ElasticTest, TheTopologyStaysWhileNobodyIsThere) {
  const auto cluster = ClusterFile::parse(
      R"({"version": 1, "topology": "master_worker", "managers": [{"plugin": "elastic", "options": )" + options(0) +
          "}]}",
      "test");
  addprocs(cluster);
  join();
  join();
  ASSERT_TRUE(eventually([] { return nprocs() == 3; }));
  const auto pids = workers();
  const auto text = thrown_by([&] {
    remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, pids[0], pids[1]);
  });
  EXPECT_TRUE(contains(text, "master_worker")) << text;
}

// While others are added, it is a connection without a process id.
TEST_F(ElasticTest, AWorkerThatWaitsForItsTurnIsKeptInTouch) {
  class SlowManager final : public ClusterManager {
   public:
    void launch(const LaunchParams& params, LaunchQueue&) override {
      detail::MutexLock lock(mutex_);
      begun_ = true;
      changed_.wait(mutex_, params.stop, [this]() COHORT_REQUIRES(mutex_) { return released_; });
    }
    void manage(Pid, WorkerConfig&, ManageOp) override {}
    bool has_begun() {
      detail::MutexLock lock(mutex_);
      return begun_;
    }
    void release() {
      detail::MutexLock lock(mutex_);
      released_ = true;
      changed_.notify_all();
    }

   private:
    detail::Mutex mutex_;
    std::condition_variable_any changed_;
    bool begun_ COHORT_GUARDED_BY(mutex_) = false, released_ COHORT_GUARDED_BY(mutex_) = false;
  };
  AddprocsOptions often;
  often.timeouts.emplace().heartbeat = 20ms;
  addprocs("elastic", options(0), often);
  const auto slow = std::make_shared<SlowManager>();
  std::jthread others([&] { EXPECT_EQ(addprocs(slow), std::vector<Pid>{}); });
  ASSERT_TRUE(eventually([&] { return slow->has_begun(); }));
  auto& worker = join();
  const auto ended = worker.wait_until(deadline_after(1s));  // some heartbeats later
  EXPECT_FALSE(ended) << ended->text();
  slow->release();
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
}

TEST_F(ElasticTest, ALaunchThatWaitsInVainSaysHowToStartAWorker) {
  AddprocsOptions quickly;
  quickly.timeouts.emplace().launch = 1s;  // launch() is to be waiting by then
  const auto text = thrown_by<LaunchError>([&] { addprocs("elastic", options(2), quickly); });
  EXPECT_TRUE(contains(text, "0 of 2 workers joined in time")) << text;
  EXPECT_TRUE(contains(text, "cohort worker --join " + file())) << text;
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(file()); })) << "it holds the secret of the cluster";
}

TEST_F(ElasticTest, ALaunchThatFailsLeavesTheDoorOpen) {
  const std::string directory = directory_.path("sub"), kept = directory_.path("kept.json");
  std::filesystem::create_directory(directory);
  const std::shared_ptr<ClusterManager> manager =
      load_manager("elastic", R"({"count": 1, "file": ")" + directory + R"(/join.json"})");
  std::jthread first([&] { EXPECT_EQ(addprocs(manager).size(), 1u); });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(directory + "/join.json"); }));
  std::filesystem::copy_file(directory + "/join.json", kept);
  workers_.push_back(join_by_hand(kept));
  first.join();
  std::filesystem::remove_all(directory);
  EXPECT_TRUE(contains(thrown_by<LaunchError>([&] { addprocs(manager); }), "cannot write the join file"));
  workers_.push_back(join_by_hand(kept));
  EXPECT_TRUE(eventually([] { return nprocs() == 3; }));
}

TEST_F(ElasticTest, TheJoinFileIsForItsOwnerAloneAndGoesWithTheManager) {
  {
    std::shared_ptr<ClusterManager> manager = load_manager("elastic", options(0));
    addprocs(manager);
    struct stat status {};
    ASSERT_EQ(::stat(file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(file()); }));
}

TEST_F(ElasticTest, AJoinFileThatOthersCouldReadIsNotUsed) {
  addprocs("elastic", options(0));
  ASSERT_EQ(::chmod(file().c_str(), 0640), 0);
  const auto text = refused(join_by_hand(file()), 3);
  EXPECT_TRUE(contains(text, "chmod 600 " + file())) << text;
  EXPECT_TRUE(contains(refused(join_by_hand("/no/such/file"), 3), "/no/such/file: No such file"));
  std::ofstream(directory_.path("text")) << "{]";
  ASSERT_EQ(::chmod(directory_.path("text").c_str(), 0600), 0);
  EXPECT_TRUE(contains(refused(join_by_hand(directory_.path("text")), 3), "this is no join file"));
}

TEST_F(ElasticTest, AWorkerWithAnotherSecretIsRefusedAndBothSaySo) {
  const CapturedStderr said;
  addprocs("elastic", options(0));
  JoinFile wrong = JoinFile::read(file());
  wrong.cookie = "another cluster's cookie";
  wrong.write(directory_.path("wrong.json"));
  const auto text = refused(join_by_hand(directory_.path("wrong.json")), 1);
  EXPECT_TRUE(contains(text, "the cookies differ")) << text;
  EXPECT_TRUE(eventually([&] { return said.has("Unknown remote, closing connection: refused: the cookies differ"); }));
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(ElasticTest, AProgramOfAnotherBuildIsRefusedAndBothSaySo) {
  const CapturedStderr said;
  addprocs("elastic", options(0));
  SpawnOptions spawn;
  spawn.command = {COHORT_TOOL, "worker", "--join", file(), COHORT_OTHER_PROGRAM};
  const auto text = refused(ChildProcess::spawn(spawn), 1);
  EXPECT_TRUE(contains(text, "build")) << text;
  EXPECT_TRUE(eventually([&] { return said.has("build"); })) << said.text();
  join();
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
}

TEST_F(ElasticTest, StrangersDoNotKeepWorkersOut) {
  addprocs("elastic", options(0));
  const int port = port_of(JoinFile::read(file()));
  std::list<RawPeer> idle;
  for (int i = 0; i < 100; i++) idle.emplace_back(port);
  RawPeer babbler(port);
  babbler.send(std::string(100'000, 'x'));
  EXPECT_TRUE(babbler.ends());
  RawPeer half(port);
  half.send("0123456789abcdef");
  join();
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
}

TEST_F(ElasticTest, AWorkerWhoseMasterIsGoneSaysSo) {
  JoinFile nobody{
      "127.0.0.1:1", this_program(), {"--cohort-worker", "--cohort-transport=tcp"}, "", "a secret of somebody"};
  nobody.write(file());
  const auto text = refused(join_by_hand(file()), 1);
  EXPECT_TRUE(contains(text, "cannot join the master at 127.0.0.1:1")) << text;
  EXPECT_TRUE(contains(text, "Does it still run")) << text;
}

#if COHORT_WITH_TLS
TEST_F(ElasticTest, WorkersJoinOverEncryptedConnections) {
  const auto cluster = ClusterFile::parse(
      R"({"version": 1, "transport": "tls", "managers": [{"plugin": "elastic", "options": )" + options(0) + "}]}",
      "test");
  addprocs(cluster);
  join();
  join();
  ASSERT_TRUE(eventually([] { return nprocs() == 3; }));
  EXPECT_EQ(remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, workers()[0],
                             workers()[1]),
            workers()[1]);
}
#endif

// Two clusters that are given one name for their files.
TEST_F(ElasticTest, ASecondClusterDoesNotTakeTheJoinFileOfOneThatRuns) {
  const std::shared_ptr<ClusterManager> first = load_manager("elastic", options(0));
  addprocs(first);
  const std::string before = text_of_file(file());
  JoinFile second{"127.0.0.1:1", this_program(), {}, "", "another secret"};
  const auto text = thrown_by([&] { second.write(file()); });
  EXPECT_TRUE(contains(text, file() + " is that of a cluster which is still running")) << text;
  EXPECT_TRUE(contains(text, "'file'")) << text;
  EXPECT_EQ(text_of_file(file()), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path("")), {}), 1) << "nothing else is left";
}

TEST_F(ElasticTest, AJoinFileThatNobodyUsesIsReplacedAndOnlyTheOwnOneIsRemoved) {
  JoinFile stale{"127.0.0.1:1", this_program(), {}, "", "of one that was killed"};
  stale.write(file());
  auto held = stale.write(file());
  EXPECT_THROW(stale.write(file()), Error);
  std::filesystem::remove(file());
  const auto next = stale.write(file());
  JoinFile::remove(file(), held);
  EXPECT_TRUE(std::filesystem::exists(file())) << "it is another's by now";
  JoinFile::remove(file(), next);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace cohort::test
