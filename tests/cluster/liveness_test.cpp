// Peers that neither answer nor end: suspected, then given up.

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <cohort/child_process.hpp>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

/// 'R' running, 'S' sleeping, 'T' stopped, 'Z' ended, not reaped; ' ' if it is gone. @param stat a process's or a
/// thread's.
char state_in(const std::filesystem::path& stat) {
  std::ifstream file(stat);
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(") ");
  return name_end == text.npos ? ' ' : text[name_end + 2];
}

bool process_runs(int ospid) {
  const char state = state_in("/proc/" + std::to_string(ospid) + "/stat");
  return state != ' ' && state != 'Z';
}

/// A stop signal takes some time to reach all threads.
bool is_stopped(int ospid) {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(ospid) + "/task")) {
    if (state_in(thread.path() / "stat") != 'T') return false;
  }
  return true;
}

class LivenessTest : public ClusterTest {
 protected:
  void start_worker(Duration heartbeat, Duration suspect, Duration dead) {
    AddprocsOptions options;
    options.timeouts = Timeouts{.heartbeat = heartbeat, .suspect = suspect, .dead = dead};
    worker_ = addprocs(1, options).front();
    ospid_ = remotecall_fetch([] { return getpid(); }, worker_);
  }
  void stop() {
    ASSERT_TRUE(stop_process(ospid_));
    ASSERT_TRUE(eventually([&] { return is_stopped(ospid_); }));
  }
  void go_on() { ASSERT_EQ(kill(ospid_, SIGCONT), 0); }

  Pid worker_ = no_pid;
  int ospid_ = 0;
};

TEST_F(LivenessTest, AFrozenWorkerIsSuspectThenDead) {
  start_worker(100ms, 500ms, 2s);
  auto stored = remotecall([] { return std::vector<int>(100'000, 1); }, worker_);
  stored.wait();
  CapturedStderr captured;
  stop();
  const auto start = Clock::now();
  const auto cause = [&](auto&& call) {
    try {
      call();
    } catch (const ProcessExitedException& error) {
      EXPECT_EQ(error.worker_id(), worker_);
      return error.cause();
    }
    return std::string("nothing was thrown");
  };
  EXPECT_TRUE(contains(cause([&] { remotecall_fetch([] {}, worker_); }), "no answer for 2 s"));
  EXPECT_GE(Clock::now() - start, 1500ms);
  EXPECT_THROW(stored.fetch(), ProcessExitedException);
  EXPECT_TRUE(captured.has("process 2 is suspect: no answer for 0.5 s")) << captured.text();
  EXPECT_TRUE(eventually([&] { return captured.has("Worker 2 terminated: no answer for 2 s"); }));
  EXPECT_EQ(nprocs(), 1);
  go_on();
  EXPECT_TRUE(eventually([&] { return !process_runs(ospid_); }));
}

// However much is queued for it already, and whoever's memory it is.
TEST_F(LivenessTest, LargeCallsToAFrozenWorkerEndInTime) {
  start_worker(10s, 10min, 10min);
  std::stop_source source;
  const auto size_of = [](const std::vector<double>& numbers) { return numbers.size(); };
  std::vector<double> numbers(3 << 20, 1.0);
  const Array<double> array{std::vector<double>(9 << 20, 1.0)};  // more than a connection queues without waiting
  RemoteChannel<std::vector<double>> channel(10, worker_);
  stop();
  const auto late = [&](auto&& call) {
    EXPECT_TRUE(contains(thrown_within<TimeoutError>(100ms, call), "no time left to wait for a")) << "did not throw";
  };
  for (int i = 0; i < 2; i++) {
    late([&] { remotecall_fetch({.deadline = 100ms}, size_of, worker_, numbers); });
    late([&] {
      remotecall_fetch(
          {.deadline = 100ms}, [](const Array<double>& a) { return a.size(); }, worker_, array);
    });
    late([&] { fetch_all({.deadline = 100ms}, {worker_}, size_of, numbers).at(worker_).fetch(); });
  }
  std::jthread stopping([&] { source.request_stop(); });
  EXPECT_THROW(remotecall_fetch({.stop_token = source.get_token()}, size_of, worker_, numbers), CancelledException);
  std::fill(numbers.begin(), numbers.end(), 2.0);
  // What a channel's owner has done of it, only the owner can say.
  auto put = async([&] { return thrown_by<TimeoutError>([&] { channel.put(numbers, {.deadline = 100ms}); }); });
  EXPECT_FALSE(put.wait_for(500ms));
  go_on();
  const bool was_put = put.fetch().empty();
  EXPECT_EQ(channel.size(), was_put ? 1u : 0u);
  EXPECT_EQ(remotecall_fetch(size_of, worker_, numbers), numbers.size());
}

TEST_F(LivenessTest, AWorkerThatGoesOnInTimeIsKept) {
  start_worker(100ms, 500ms, 1min);
  CapturedStderr captured;
  stop();
  auto waiting = remotecall([] { return 7; }, worker_);
  EXPECT_TRUE(eventually([&] { return captured.has("process 2 is suspect"); }));
  go_on();
  EXPECT_EQ(waiting.fetch(), 7);
  EXPECT_TRUE(eventually([&] { return captured.has("process 2 answers again"); }));
  EXPECT_EQ(remotecall_fetch([] { return 8; }, worker_), 8);
  EXPECT_EQ(remotecall_fetch([] { return getpid(); }, worker_), ospid_);
}

TEST_F(LivenessTest, AWorkerThatComputesIsNotSuspected) {
  start_worker(100ms, 1500ms, 3s);
  CapturedStderr captured;
  remotecall_fetch(
      [] {
        volatile unsigned sum = 0;
        for (const auto end = Clock::now() + 4s; Clock::now() < end;) sum = sum + 1;
      },
      worker_);
  EXPECT_FALSE(captured.has("suspect")) << captured.text();
}

TEST_F(LivenessTest, NobodyIsGivenUpUnasked) {
  start_worker(5s, 15s, 1s);  // dead comes before the first heartbeat would
  Future<int> never_set(myid());
  EXPECT_FALSE(never_set.wait_for(3s));
  EXPECT_EQ(remotecall_fetch([] { return getpid(); }, worker_), ospid_);
}

TEST_F(LivenessTest, WithoutHeartbeatNobodyIsGivenUp) {
  start_worker(never, 100ms, 200ms);
  stop();
  auto waiting = remotecall([] { return 7; }, worker_);
  EXPECT_FALSE(waiting.wait_for(1s));
  go_on();
  EXPECT_EQ(waiting.fetch(), 7);
}

}  // namespace
}  // namespace cohort::test
