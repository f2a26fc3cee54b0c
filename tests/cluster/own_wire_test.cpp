// Workers and masters that are connected by wires of the program's own, without a transport: init_worker(),
// process_messages(), join_cluster() and serve().

#include "own_wire.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <cohort/child_process.hpp>
#include <cohort/plugin.hpp>
#include <cohort/worker.hpp>
#include <cohort/worker_acceptor.hpp>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

ChildProcess start_worker(const std::string& kind, const std::string& path, const std::string& cookie) {
  SpawnOptions spawn;
  spawn.command = {this_program(), "--own-wire", kind, path};
  spawn.input = cookie + '\n';
  return ChildProcess::spawn(spawn);
}

/// Two named pipes, which are opened from both ends in the same order.
IoPair open_pipes(const std::string& read_from, const std::string& write_to, bool read_first) {
  int input = read_first ? ::open(read_from.c_str(), O_RDONLY | O_CLOEXEC) : -1;
  const int output = ::open(write_to.c_str(), O_WRONLY | O_CLOEXEC);
  if (!read_first) input = ::open(read_from.c_str(), O_RDONLY | O_CLOEXEC);
  return make_descriptor_pair(input, output);
}

/// Starts workers that have no listener: one of two pipes, or some that listen at sockets of their own.
class OwnWireManager : public ClusterManager {
 public:
  OwnWireManager(std::string kind, int count) : kind_(std::move(kind)), count_(count) {}

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    directory_.emplace();
    for (int i = 0; i < count_; i++) {
      WorkerConfig config;
      config.connect_at = directory_->path(std::to_string(i));
      if (kind_ == "pipes") {
        for (const char* end : {".in", ".out"}) ::mkfifo((config.connect_at + end).c_str(), 0600);
      }
      auto process = std::make_shared<ChildProcess>(start_worker(kind_, config.connect_at, params.cookie));
      config.ospid = process->pid();
      config.userdata = process;
      launched.push(std::move(config));
    }
  }
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override {
    if (op == ManageOp::finalize) kill(pid, config);
  }
  void kill(Pid, WorkerConfig& config) override { process_of(config)->terminate(2s, 2s); }
  std::string exit_cause(Pid, WorkerConfig& config) override {
    const auto status = process_of(config)->wait_until(deadline_after(1s));
    return status ? status->text() : "";
  }
  IoPair connect(Pid, WorkerConfig& config, Transport&, Clock::time_point deadline) override {
    if (kind_ == "pipes") return open_pipes(config.connect_at + ".out", config.connect_at + ".in", false);
    for (;;) {
      try {
        return make_socket_pair(unix_socket(config.connect_at, false).release());
      } catch (const std::system_error&) {
        if (Clock::now() > deadline) throw;
        std::this_thread::sleep_for(2ms);  // it does not listen yet
      }
    }
  }

 private:
  static std::shared_ptr<ChildProcess> process_of(const WorkerConfig& config) {
    return std::any_cast<std::shared_ptr<ChildProcess>>(config.userdata);
  }
  const std::string kind_;
  const int count_;
  std::optional<TemporaryDirectory> directory_;  // of the master: a worker that is killed would leave its own behind
};

/// Lets workers join that connect to a socket of the program.
class JoinManager final : public ClusterManager {
 public:
  JoinManager() : listener_(unix_socket(directory_.path("door"), true)) {}
  ~JoinManager() override {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (accepts_.joinable()) accepts_.join();
  }
  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    cookie_ = params.cookie;
    auto queue = launched.keep_open();
    acceptor_ = std::make_unique<WorkerAcceptor>([queue](WorkerConfig worker) { queue->push(std::move(worker)); });
    accepts_ = std::thread([this] {
      for (int socket; (socket = ::accept(listener_.get(), nullptr, nullptr)) >= 0;)
        process_messages(make_socket_pair(socket));
    });
  }
  void manage(Pid, WorkerConfig&, ManageOp) override {}

  ChildProcess start(const std::string& cookie) const { return start_worker("join", path(), cookie); }
  const std::string& cookie() const { return cookie_; }
  std::string path() const { return directory_.path("door"); }

 private:
  const TemporaryDirectory directory_;
  const FileDescriptor listener_;
  std::string cookie_;
  std::unique_ptr<WorkerAcceptor> acceptor_;
  std::thread accepts_;
};

void everything_works(Pid worker) {
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, worker), worker);
  const auto square = remotecall([](int x) { return x * x; }, worker, 7);
  EXPECT_EQ(remotecall_fetch([](const Future<int>& number) { return number.fetch() + 1; }, worker, square), 50);
  RemoteChannel<int> numbers(4, worker);
  for (int i = 0; i < 4; i++) numbers.put(i);
  EXPECT_EQ(remotecall_fetch([](const RemoteChannel<int>& channel) { return channel.take() + channel.take(); }, worker,
                             numbers),
            1);
  EXPECT_EQ(pmap([](int x) { return x + 1; }, std::vector<int>{1, 2, 3}), (std::vector<int>{2, 3, 4}));
  const std::vector<double> large(1'000'000, 0.5);
  EXPECT_EQ(remotecall_fetch([](const std::vector<double>& all) { return all.size(); }, worker, large), large.size());
}

using OwnWireTest = ClusterTest;

TEST_F(OwnWireTest, AWorkerNeedsNoListener) {
  const auto pids = addprocs(std::make_shared<OwnWireManager>("pipes", 1));
  ASSERT_EQ(pids.size(), 1u);
  everything_works(pids[0]);
  rmprocs(pids);
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(OwnWireTest, ADeathIsSeenAndSaidWhy) {
  const auto pids = addprocs(std::make_shared<OwnWireManager>("pipes", 1));
  const auto text = thrown_by<ProcessExitedException>([&] { remotecall_fetch([] { ::raise(SIGKILL); }, pids.at(0)); });
  EXPECT_TRUE(contains(text, "killed by signal 9")) << text;
  EXPECT_TRUE(eventually([] { return nprocs() == 1; }));
}

TEST_F(OwnWireTest, WorkersConnectToEachOtherByTheirManager) {
  const auto pids = addprocs(std::make_shared<OwnWireManager>("sockets", 3));
  ASSERT_EQ(pids.size(), 3u);
  for (const Pid pid : pids) everything_works(pid);
  for (const Pid from : pids)
    for (const Pid to : pids)
      EXPECT_EQ(remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, from, to),
                to);
}

TEST_F(OwnWireTest, AWorkerJoinsByTheConnectionThatItMade) {
  const auto manager = std::make_shared<JoinManager>();
  addprocs(manager);
  auto first = manager->start(manager->cookie());
  ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
  everything_works(workers().front());
  auto second = manager->start(manager->cookie());
  ASSERT_TRUE(eventually([] { return nprocs() == 3; }));
  first.signal(SIGKILL);
  ASSERT_TRUE(eventually([] { return nprocs() == 2; }));
  everything_works(workers().front());
  rmprocs(workers());
  const auto status = second.wait_until(deadline_after(20s));
  EXPECT_TRUE(status && status->exited && status->code == 0) << (status ? status->text() : "still there");
}

TEST_F(OwnWireTest, WhoHasAnotherSecretDoesNotJoinAndBothSaySo) {
  const CapturedStderr said;
  const auto manager = std::make_shared<JoinManager>();
  addprocs(manager);
  auto worker = manager->start("the secret of somebody else");
  const auto status = worker.wait_until(deadline_after(20s));
  EXPECT_TRUE(status && status->code == 1) << (status ? status->text() : "still there");
  EXPECT_TRUE(eventually([&] { return said.has("Unknown remote, closing connection"); })) << said.text();
  {
    const auto babbler = unix_socket(manager->path(), false);
    EXPECT_EQ(::send(babbler.get(), "hello there", 11, MSG_NOSIGNAL), 11);
    char answer[64];
    while (::recv(babbler.get(), answer, sizeof answer, 0) > 0) continue;  // until the master ends it
  }
  EXPECT_EQ(nprocs(), 1);
  auto right = manager->start(manager->cookie());
  EXPECT_TRUE(eventually([] { return nprocs() == 2; }));
}

TEST_F(OwnWireTest, WhatCannotBeIsRefusedByName) {
  EXPECT_TRUE(contains(thrown_by<Error>([] { process_messages(make_buffer_pair().first); }),
                       "no manager lets workers join here"));
  EXPECT_TRUE(contains(thrown_by<Error>([] { init_worker({.cookie = "0123456789abcdef0123456789abcdef"}); }),
                       "there is a cohort::Session already"));
  EXPECT_TRUE(contains(thrown_by<Error>([] { serve(); }), "not a worker"));
  EXPECT_TRUE(contains(thrown_by<Error>([] { join_cluster(make_buffer_pair().first); }), "not a worker"));
  const auto one = std::make_shared<JoinManager>(), other = std::make_shared<JoinManager>();
  addprocs(one);
  addprocs(other);
  EXPECT_TRUE(contains(thrown_by<Error>([] { process_messages(make_buffer_pair().first); }), "several managers"));
}

}  // namespace

int serve_by_own_wire(const std::string& kind, const std::string& path) {
  std::string cookie;
  std::getline(std::cin, cookie);
  const FileDescriptor listener = kind == "sockets" ? unix_socket(path, true) : FileDescriptor();
  init_worker({.cookie = cookie, .manager = kind == "sockets" ? std::make_shared<OwnWireManager>(kind, 0) : nullptr});
  std::thread accepts;
  if (kind == "pipes") process_messages(open_pipes(path + ".in", path + ".out", true));
  if (kind == "join") join_cluster(make_socket_pair(unix_socket(path, false).release()));
  if (kind == "sockets") {
    accepts = std::thread([&listener] {
      try {
        for (int socket; (socket = ::accept(listener.get(), nullptr, nullptr)) >= 0;)
          process_messages(make_socket_pair(socket));
      } catch (const Error&) {  // this process is a worker no longer
      }
    });
  }
  const int code = serve();
  if (accepts.joinable()) {
    ::shutdown(listener.get(), SHUT_RDWR);
    accepts.join();
  }
  return code;
}

}  // namespace cohort::test
