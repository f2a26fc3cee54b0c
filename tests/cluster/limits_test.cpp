// Out of descriptors, of memory, of what a message can carry: the call or the launch fails, with its cause, and nothing
// else does.

#include <fcntl.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/plugin.hpp>

#include "cluster_test.hpp"
#include "raw_peer.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class LimitsTest : public ClusterTest {
 protected:
  static void expect_unharmed(Pid worker) {
    EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, worker, 41), 42);
  }
};

/// Leaves this process so many descriptors that it does not have yet.
rlimit leave_descriptors(int more) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const FileDescriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit few{static_cast<rlim_t>(next.get() + more), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  return before;
}

// At every step of a launch some limit strikes.
TEST_F(LimitsTest, ALaunchWithoutDescriptorsFailsAndTheMasterLives) {
  for (int more = 16; more <= 60; more += 2) {
    const rlimit before = leave_descriptors(more);
    AddprocsOptions options;
    options.timeouts = Timeouts{.launch = 20s, .connect = 10s, .shutdown = 500ms};
    const std::string problem = thrown_by([&] { addprocs(6, options); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    if (problem.empty()) break;
    rmprocs(cohort::procs().size() > 1 ? cohort::workers() : std::vector<Pid>{});
  }
  expect_unharmed(addprocs(1).front());
}

TEST_F(LimitsTest, AWorkerWithoutDescriptorsRefusesConnectionsAndLives) {
  const Pid worker = addprocs(1).front();
  const int port = listening_port(worker);
  const std::string path = port == 0 ? remotecall_fetch([] { return listening_path(); }, worker) : "";
  if (port == 0 && path.empty()) GTEST_SKIP() << "it listens elsewhere";
  for (int more = 0; more <= 4; more++) {
    const auto before = remotecall_fetch([](int left) { return leave_descriptors(left).rlim_cur; }, worker, more);
    std::vector<RawPeer> strangers;
    for (int i = 0; i < 6; i++) strangers.push_back(port != 0 ? RawPeer(port) : RawPeer(path));
    expect_unharmed(worker);
    remotecall_fetch(
        [](rlim_t soft) {
          rlimit limit{};
          ::getrlimit(RLIMIT_NOFILE, &limit);
          limit.rlim_cur = soft;
          ::setrlimit(RLIMIT_NOFILE, &limit);
        },
        worker, before);
  }
  expect_unharmed(worker);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need much address space themselves
class WithoutMemory : public LimitsTest {
 protected:
  void SetUp() override {
    worker_ = addprocs(1).front();
    remotecall_fetch(
        [] {
          std::size_t pages = 0;
          std::ifstream("/proc/self/statm") >> pages;
          const rlim_t bytes = pages * 4096 + (rlim_t{32} << 20);
          const rlimit little{bytes, bytes};
          ::setrlimit(RLIMIT_AS, &little);
        },
        worker_);
  }
  static constexpr std::size_t too_much = std::size_t{64} << 20;
  /// The exception of the call says so, and the worker goes on.
  template <class F>
  void expect_no_memory(F&& call) {
    try {
      call();
      ADD_FAILURE() << "there was memory";
    } catch (const RemoteException& error) {
      EXPECT_TRUE(contains(error.what(), "has no memory for a message")) << error.what();
      EXPECT_THROW(
          {
            if (error.cause()) std::rethrow_exception(error.cause());
          },
          std::bad_alloc);
    }
    expect_unharmed(worker_);
  }
  Pid worker_ = no_pid;
};

TEST_F(WithoutMemory, AnArrayThatDoesNotFitIsTheExceptionOfItsCall) {
  const std::vector<char> large(too_much);
  expect_no_memory([&] { remotecall_fetch([](const std::vector<char>& v) { return v.size(); }, worker_, large); });
  expect_no_memory([&] { remotecall([](const std::vector<char>& v) { return v.size(); }, worker_, large).fetch(); });
  remote_do([](const std::vector<char>&) {}, worker_, large);
  expect_unharmed(worker_);
}

TEST_F(WithoutMemory, ATextThatDoesNotFitIsTheExceptionOfItsCall) {
  const std::vector<std::string> large(too_much >> 10, std::string(1 << 10, 'x'));
  expect_no_memory(
      [&] { remotecall_fetch([](const std::vector<std::string>& v) { return v.size(); }, worker_, large); });
  expect_no_memory(
      [&] { remotecall([](const std::vector<std::string>& v) { return v.size(); }, worker_, large).fetch(); });
}

TEST_F(WithoutMemory, AnItemThatDoesNotFitIsTheExceptionOfItsPut) {
  RemoteChannel<std::vector<char>> channel(2, worker_);
  const std::vector<char> large(too_much);
  expect_no_memory([&] { channel.put(large); });
  EXPECT_EQ(channel.size(), 0u);
  Future<std::vector<char>> future(worker_);
  expect_no_memory([&] { future.put(large); });
}
#endif

// Items that fit into a message each, but not all into one.
TEST_F(LimitsTest, ManyHandlesComeInAsManyAnswersAsTheyNeed) {
  using Handles = std::vector<Future<int>>;
  const Pid worker = addprocs(1).front();
  RemoteChannel<Handles> channel(10, worker);
  remotecall_fetch(
      [](RemoteChannel<Handles> to) {
        for (const int count : {10, 65'530, 20, 30}) {
          Handles handles;
          for (int i = 0; i < count; i++) handles.emplace_back(myid());
          to.put(handles);
        }
      },
      worker, channel);
  std::vector<std::size_t> sizes;
  while (sizes.size() < 4) {
    for (const auto& item : channel.take_some(5, {.deadline = 60s})) sizes.push_back(item.size());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{10, 65'530, 20, 30}));
  expect_unharmed(worker);
}

// --- Streams of a plugin's making. ---

struct BrokenReader : Reader {
  ssize_t read(std::span<std::byte>) override { throw std::runtime_error("the cable is cut"); }
  void on_readable(std::function<void()>) override {}
  void close() override {}
};

struct DeafReader : Reader {
  ssize_t read(std::span<std::byte>) override { return -EAGAIN; }
  void close() override {}
};

struct PatientWriter : Writer {
  ssize_t write(std::span<const iovec>) override { return -EAGAIN; }
  void on_writable(std::function<void()>) override {}
  void close() override {}
};

template <class R>
class BrokenManager final : public ClusterManager {
 public:
  void launch(const LaunchParams&, LaunchQueue& launched) override { launched.push(WorkerConfig{}); }
  void manage(Pid, WorkerConfig&, ManageOp) override {}
  IoPair connect(Pid, WorkerConfig&, Transport&, Clock::time_point) override {
    return {std::make_unique<R>(), std::make_unique<PatientWriter>()};
  }
};

struct NoReader : DeafReader {};
template <>
IoPair BrokenManager<NoReader>::connect(Pid, WorkerConfig&, Transport&, Clock::time_point) {
  return {};
}

template <class R>
std::string problem_with() {
  return thrown_by([] { addprocs(std::make_shared<BrokenManager<R>>()); });
}

TEST_F(LimitsTest, AStreamThatThrowsIsTheFailureOfItsWorker) {
  const Pid worker = addprocs(1).front();
  const std::string thrown = problem_with<BrokenReader>();
  EXPECT_TRUE(contains(thrown, "cluster_tests: the cable is cut")) << thrown;
  const std::string deaf = problem_with<DeafReader>();
  EXPECT_TRUE(contains(deaf, "cluster_tests: a Reader without a descriptor must override on_readable()")) << deaf;
  const std::string none = problem_with<NoReader>();
  EXPECT_TRUE(contains(none, "a connection without a Reader")) << none;
  expect_unharmed(worker);
}

struct NeverSays final : ClusterManager {
  void launch(const LaunchParams& params, LaunchQueue& launched) override { inner->launch(params, launched); }
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override { inner->manage(pid, config, op); }
  std::string exit_cause(Pid, WorkerConfig&) override {
    EXPECT_TRUE(eventually([this] { return released.load(); }, 60s));
    return "";
  }
  const std::shared_ptr<ClusterManager> inner = load_manager("local", R"({"count": 1})");
  std::atomic<bool> released{false};
};

TEST_F(LimitsTest, RemovingAWorkerWaitsForNoManagerForEver) {
  const auto manager = std::make_shared<NeverSays>();
  AddprocsOptions options;
  options.timeouts = Timeouts{.shutdown = 10ms, .term = 10ms, .kill = 10ms};
  const Pid worker = addprocs(manager, options).front();
  const auto text = thrown_within<Error>(10s, [&] { rmprocs(worker); });
  EXPECT_TRUE(contains(text, "Not returned: exit_cause() of manager 'of the program'")) << text;
  EXPECT_EQ(nprocs(), 1);
  manager->released = true;
}

}  // namespace
}  // namespace cohort::test
