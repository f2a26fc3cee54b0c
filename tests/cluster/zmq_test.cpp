// Clusters around a ZeroMQ broker. The suites of calls, futures and so on run over it as well; see CMakeLists.txt.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "../contract/zmq_broker.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::ZmqBroker;

class ZmqTest : public ClusterTest {
 protected:
  static std::vector<Pid> add(int count, const std::string& more_options = "") {
    return addprocs("zmq", "{\"count\": " + std::to_string(count) + more_options + "}");
  }
  static std::string at(const ZmqBroker& broker) { return R"(, "broker": ")" + broker.address() + '"'; }

  static int process_of(Pid pid) {
    return remotecall_fetch([] { return static_cast<int>(::getpid()); }, pid);
  }
  static std::vector<int> processes_of(const std::vector<Pid>& pids) {
    std::vector<int> processes;
    for (const Pid pid : pids) processes.push_back(process_of(pid));
    return processes;
  }
  static std::vector<int> brokers() {
    std::vector<int> found;
    for (const int pid : children())
      if (contains(text_of_file("/proc/" + std::to_string(pid) + "/cmdline"), "cohort-zmq-broker"))
        found.push_back(pid);
    return found;
  }
  static bool all_ended(const std::vector<int>& processes) {
    return eventually([&] { return std::none_of(processes.begin(), processes.end(), is_running); });
  }

  // Each worker asks all the others.
  static void expect_all_talk(const std::vector<Pid>& pids) {
    const auto ask_all = [](std::vector<Pid> others) {
      long sum = 0;
      for (const Pid other : others)
        if (other != myid()) sum += remotecall_fetch([] { return myid(); }, other);
      return sum;
    };
    const long sum = std::accumulate(pids.begin(), pids.end(), 0L);
    std::vector<Future<long>> answers;
    for (const Pid pid : pids) answers.push_back(remotecall(ask_all, pid, pids));
    for (std::size_t i = 0; i < pids.size(); ++i) EXPECT_EQ(answers[i].fetch(), sum - pids[i]);
  }
};

TEST_F(ZmqTest, TwelveWorkersTalkAllToAll) {
  const auto pids = add(12);
  ASSERT_EQ(pids.size(), 12u);
  EXPECT_EQ(brokers().size(), 1u);
  expect_all_talk(pids);
  rmprocs(pids);
  EXPECT_TRUE(eventually([] { return brokers().empty(); })) << "the broker is left behind";
}

TEST_F(ZmqTest, SixtyFourMebibytesGoFromWorkerToWorker) {
  const auto pids = add(2);
  const auto sum_of_fetched = [](Pid from) {
    const auto bytes = remotecall_fetch([] { return std::vector<std::uint32_t>(16 << 20, 7); }, from);
    return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
  };
  EXPECT_EQ(remotecall_fetch(sum_of_fetched, pids[0], pids[1]), std::uint64_t{7} * (16 << 20));
}

TEST_F(ZmqTest, AKilledWorkerIsNoticedAndTheOthersAreUnharmed) {
  const auto pids = add(4);
  expect_all_talk(pids);
  auto waits = remotecall([] { Channel<int>(1).take(); }, pids[1]);
  ::kill(process_of(pids[0]), SIGKILL);
  EXPECT_TRUE(eventually([] { return nworkers() == 3; }));
  const std::string error = thrown_by<ProcessExitedException>([&] { remotecall_fetch([] { return 1; }, pids[0]); });
  EXPECT_TRUE(contains(error, "killed by signal 9")) << error;
  EXPECT_FALSE(waits.is_ready());
  ::kill(process_of(pids[1]), SIGKILL);
  EXPECT_NE(thrown_by<ProcessExitedException>([&] { waits.wait(); }), "");
  expect_all_talk({pids[2], pids[3]});
}

TEST_F(ZmqTest, TheEndOfTheBrokerEndsAllCallsAndWorkersAndIsTheCause) {
  const auto pids = add(3);
  expect_all_talk(pids);
  const auto processes = processes_of(pids);
  auto waits = remotecall([] { Channel<int>(1).take(); }, pids[0]);
  ASSERT_EQ(brokers().size(), 1u);
  ::kill(brokers().front(), SIGKILL);
  const std::string error = thrown_by<ProcessExitedException>([&] { waits.wait(); });
  EXPECT_TRUE(contains(error, "the zmq broker at tcp://127.0.0.1:")) << error;
  EXPECT_TRUE(contains(error, "its process killed by signal 9")) << error;
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  EXPECT_TRUE(all_ended(processes));
  expect_all_talk(add(2));  // with a broker of their own
}

TEST_F(ZmqTest, TheEndOfABrokerThatStandsAloneIsTheCauseForAnyManager) {
  auto broker = std::make_unique<ZmqBroker>();
  const auto pids = addprocs(ClusterFile::parse(
      R"({"version": 1, "managers": [{"plugin": "local", "count": 2}], "transport": {"plugin": "zmq", "options": )" +
          broker->options() + "}}",
      "test"));
  expect_all_talk(pids);
  const auto processes = processes_of(pids);
  auto waits = remotecall([] { Channel<int>(1).take(); }, pids[0]);
  const std::string address = broker->address();
  broker.reset();
  const std::string error = thrown_by<ProcessExitedException>([&] { waits.wait(); });
  EXPECT_TRUE(contains(error, "the zmq broker at " + address + " is lost")) << error;
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
  EXPECT_TRUE(all_ended(processes));
}

TEST_F(ZmqTest, AStoppedReceiverHoldsItsSendersUpAndNobodyElse) {
  const auto pids = add(2);
  constexpr int count = 64;
  const int stopped = process_of(pids[0]);
  [[maybe_unused]] const int broker = brokers().at(0);
  ASSERT_TRUE(stop_process(stopped));
  std::atomic<int> sent{0};
  std::vector<Future<std::size_t>> answers;
  std::thread sender([&] {
    const auto size_of = [](const std::vector<char>& bytes) { return bytes.size(); };
    for (int i = 0; i < count; ++i, ++sent) answers.push_back(remotecall(size_of, pids[0], std::vector<char>(1 << 20)));
  });
  for (int i = 0; i < 500; ++i) ASSERT_EQ(remotecall_fetch([] { return myid(); }, pids[1]), pids[1]);
  EXPECT_LT(sent, count) << "the sender did not wait";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those keep what was freed for a while
  const std::string status = text_of_file("/proc/" + std::to_string(broker) + "/status");
  const std::size_t at = status.find("VmHWM:");
  ASSERT_NE(at, status.npos);
  EXPECT_LT(std::stol(status.substr(at + 6)), 40 << 10) << "KiB in the broker";
#endif
  ASSERT_EQ(::kill(stopped, SIGCONT), 0);
  sender.join();
  for (auto& answer : answers) EXPECT_EQ(answer.fetch(), 1u << 20);
}

TEST_F(ZmqTest, CurveKeepsStrangersOut) {
  expect_all_talk(add(2, R"(, "curve": true)"));
  const std::string own = "of one cluster, 32 bytes or more.", other = "of quite another one, 32 bytes or more.";
  const ZmqBroker broker(own);
  const TemporaryDirectory directory;
  const auto key_file = [&](const std::string& name, const std::string& key) {
    std::ofstream(directory.path(name)) << key;
    std::filesystem::permissions(directory.path(name),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return R"(, "key_file": ")" + directory.path(name) + '"';
  };
  const auto error_of = [&](const std::string& options) {
    return thrown_by<LaunchError>([&] { add(1, at(broker) + options); });
  };
  const std::string refused = "cannot connect to the zmq broker at " + broker.address() + ": it refused this process";
  EXPECT_TRUE(contains(error_of(""), refused)) << error_of("");
  EXPECT_TRUE(contains(error_of(R"(, "curve": true)"), refused));
  EXPECT_TRUE(contains(error_of(key_file("other", other)), refused));
  expect_all_talk(add(2, at(broker) + key_file("own", own)));
}

TEST_F(ZmqTest, AKeyFileThatOthersCanReadIsRefused) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path("key")) << std::string(40, 'k');
  std::filesystem::permissions(directory.path("key"), std::filesystem::perms(0644));
  const std::string error = thrown_by<Error>([&] { add(1, R"(, "key_file": ")" + directory.path("key") + '"'); });
  EXPECT_TRUE(contains(error, "others may read or write " + directory.path("key"))) << error;
}

TEST_F(ZmqTest, OneBrokerServesTwoClustersAtOnce) {
  const ZmqBroker broker;
  const auto pids = add(2, at(broker));
  SpawnOptions spawn;
  spawn.command = {COHORT_TOOL, "exec", "-m", "zmq", "-p", "3", "-o", "broker=" + broker.address(), "--", "true"};
  auto other = ChildProcess::spawn(spawn);
  while (!other.poll()) expect_all_talk(pids);
  EXPECT_EQ(other.poll()->code, 0);
  expect_all_talk(pids);
}

TEST_F(ZmqTest, WithoutABrokerTheErrorNamesItsAddress) {
  for (const std::string address : {"tcp://127.0.0.1:1", "ipc:///no/such/socket", "tcp://no.such.host.invalid:9500"}) {
    const std::string error = thrown_by<LaunchError>([&] { add(1, R"(, "broker": ")" + address + '"'); });
    EXPECT_TRUE(contains(error, "cannot connect to the zmq broker at " + address + ": ")) << error;
  }
  EXPECT_TRUE(contains(thrown_by<ConfigError>([] { add(1, R"(, "broker": "127.0.0.1:9500")"); }), "tcp://HOST:PORT"));
}

TEST_F(ZmqTest, ABrokerThatCannotListenSaysWhy) {
  const std::string error = thrown_by<Error>([] { add(1, R"(, "listen": "ipc:///no/such/directory/broker")"); });
  EXPECT_TRUE(contains(error, "the zmq broker cannot listen at 'ipc:///no/such/directory/broker'")) << error;
}

TEST_F(ZmqTest, TheSocketOfABrokerIsRemovedAlsoIfItWasKilled) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("broker");
  const std::string listen = R"(, "listen": "ipc://)" + path + '"';
  for (const bool killed : {false, true}) {
    const auto pids = add(2, listen);
    expect_all_talk(pids);
    EXPECT_TRUE(std::filesystem::exists(path));
    if (killed)
      ::kill(brokers().at(0), SIGKILL);
    else
      rmprocs(pids);
    ASSERT_TRUE(eventually([] { return nprocs() == 1; }));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(path); })) << "killed: " << killed;
  }
}

TEST_F(ZmqTest, TheSocketOfAnotherBrokerAtTheSamePathStays) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("broker");
  const std::string until = directory.path("until");
  ASSERT_EQ(::mkfifo(until.c_str(), 0600), 0);
  SpawnOptions spawn;
  spawn.command = {COHORT_TOOL, "exec", "-m", "zmq",
                   "-p",        "1",    "-o", "listen=ipc://" + path,
                   "--",        "sh",   "-c", "read line < " + until};
  auto master = ChildProcess::spawn(spawn);
  FileDescriptor end;  // can be opened when the worker reads
  ASSERT_TRUE(eventually([&] {
    end.reset(::open(until.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return static_cast<bool>(end);
  }));
  ASSERT_TRUE(std::filesystem::remove(path));
  const ZmqBroker another("", "ipc://" + path);
  end.reset();
  ASSERT_TRUE(master.wait_until(deadline_after(20s)).has_value());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ZmqTest, ABrokerEndsInOrderByEverySignalThatEndsIt) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("broker");
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) {
    ZmqBroker broker("", "ipc://" + path);
    EXPECT_TRUE(std::filesystem::exists(path));
    broker.process().signal(number);
    const auto status = broker.process().wait_until(deadline_after(20s));
    ASSERT_TRUE(status.has_value()) << number;
    EXPECT_EQ(status->text(), "exited with code 0") << number;
    EXPECT_FALSE(std::filesystem::exists(path)) << number;
  }
}

TEST_F(ZmqTest, TheBrokerAndTheWorkersEndWithTheirMaster) {
  SpawnOptions spawn;
  spawn.command = {
      COHORT_TOOL, "exec", "-m", "zmq", "-p", "2", "--no-prefix", "--", "sh", "-c", "echo $$; exec sleep 1000"};
  auto master = ChildProcess::spawn(spawn);
  std::vector<int> processes;
  for (int i = 0; i < 2; ++i) {
    std::string line;
    for (char next = 0; ::read(master.out(), &next, 1) == 1 && next != '\n';) line += next;
    if (line.empty()) {
      std::string said;
      for (char next = 0; ::read(master.err(), &next, 1) == 1;) said += next;
      FAIL() << "the master ended: " << said;
    }
    processes.push_back(std::stoi(line));
    processes.push_back(state_of(processes.back()).parent);  // the worker
  }
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && state_of(pid).parent == master.pid()) found.push_back(pid);
  }
  EXPECT_EQ(found.size(), 3u);  // two workers and the broker
  processes.insert(processes.end(), found.begin(), found.end());
  ::kill(master.pid(), SIGKILL);
  EXPECT_TRUE(all_ended(processes));
}

}  // namespace
}  // namespace cohort::test
