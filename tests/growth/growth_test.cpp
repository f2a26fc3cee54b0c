// A thousand, ten thousand, a hundred thousand of what programs have many of. The workers run this same program.

#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <stop_token>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>

#include "measure.hpp"
#include "test_programs.hpp"

namespace cohort::growth {
namespace {

using namespace std::chrono_literals;

// Keeps the one thread of a worker until it is called off. (A wait of cohort's would give way to other calls.)
void be_busy() {
  while (!this_call().stop_requested()) std::this_thread::sleep_for(1ms);
}
int echo(int value) { return value; }
int own_pid() { return getpid(); }

class GrowthTest : public testing::Test {
 protected:
  void SetUp() override {
    worker_ = addprocs(1).front();
    worker_process_ = remotecall_fetch(fn<own_pid>, worker_);
    both_ = {getpid(), worker_process_};
  }
  void TearDown() override { rmprocs(worker_); }

  Pid worker_ = no_pid;
  pid_t worker_process_ = -1;
  std::vector<pid_t> both_;
};

TEST_F(GrowthTest, CallsThatWaitAndAreCalledOff) {
  const Pings pings(worker_);
  expect_linear("calls called off", [&](int count) {
    const Future<void> busy = remotecall(fn<be_busy>, worker_);
    std::vector<Future<int>> calls;
    for (int i = 0; i < count; i++) calls.push_back(remotecall(fn<echo>, worker_, i));
    const RemoteChannel<int> question(1, worker_);
    const CpuTime cpu(both_);
    for (const auto& call : calls) call.cancel();
    EXPECT_FALSE(question.is_ready());  // by this answer it has read all of that
    busy.cancel();
    int called_off = 0;
    for (const auto& call : calls) {
      try {
        call.fetch();
      } catch (const Error&) {
        called_off++;
      }
    }
    EXPECT_EQ(called_off, count);
    return cpu.seconds();
  });
}

TEST_F(GrowthTest, ChannelsThatAreBound) {
  const Pings pings(worker_);
  expect_linear("channels bound", [&](int count) {
    const CpuTime cpu({getpid()});
    std::vector<RemoteChannel<int>> channels;
    for (int i = 0; i < count; i++) {
      channels.emplace_back(1);
      channels.back().bind(worker_);
    }
    for (const auto& channel : channels) channel.bind(worker_);
    return cpu.seconds();
  });
  expect_linear("binds of one channel", [&](int count) {
    const RemoteChannel<int> channel(1);
    const CpuTime cpu({getpid()});
    for (int i = 0; i < count; i++) channel.bind(worker_);
    return cpu.seconds();
  });
}

TEST_F(GrowthTest, PutsThatWaitAndAreCalledOff) {
  const Pings pings(worker_);
  expect_linear("puts called off", [&](int count) {
    const RemoteChannel<int> channel(1, worker_);
    const std::vector<int> items(static_cast<std::size_t>(count));
    const CpuTime cpu(both_);
    EXPECT_THROW(channel.put_all(items, {.deadline = 1ms}), TimeoutError);
    return cpu.seconds();
  });
}

TEST_F(GrowthTest, Deadlines) {
  const Pings pings(worker_);
  expect_linear("deadlines to come", [&](int count) {
    const CpuTime cpu({getpid()});
    std::vector<Future<void>> times;
    for (int i = 0; i < count; i++) times.push_back(after(200ms + std::chrono::microseconds(count - i)));
    for (const auto& time : times) time.wait();
    return cpu.seconds();
  });
  expect_linear("deadlines that passed", [&](int count) {
    std::vector<Future<int>> never_set;
    for (int i = 0; i < count; i++) never_set.emplace_back(myid());
    const CpuTime cpu({getpid()});
    for (const auto& future : never_set) {
      EXPECT_FALSE(future.wait_for(0s));
    }
    return cpu.seconds();
  });
}

TEST_F(GrowthTest, Watchers) {
  const Pings pings(worker_);
  expect_linear("watchers of one future", [&](int count) {
    const Future<int> future(myid());
    const CpuTime cpu({getpid()});
    std::vector<Future<int>> then;
    for (int i = 0; i < count; i++) then.push_back(future.then([](const Future<int>& ready) { return ready.fetch(); }));
    future.put(1);
    for (const auto& each : then) each.wait();
    return cpu.seconds();
  });
  expect_linear("futures watched by one", [&](int count) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < count; i++) futures.emplace_back(myid());
    const CpuTime cpu({getpid()});
    const auto any = when_any(futures);
    const auto all = when_all(futures);
    for (const auto& future : futures) future.put(1);
    any.wait();
    all.wait();
    return cpu.seconds();
  });
  expect_linear("waits with a stop token", [&](int count) {
    const std::stop_source stop;
    const Future<int> never_set(myid());
    const CpuTime cpu({getpid()});
    for (int i = 0; i < count; i++) {
      EXPECT_THROW(never_set.wait({.deadline = 0s, .stop_token = stop.get_token()}), TimeoutError);
    }
    return cpu.seconds();
  });
}

#if COHORT_WITH_TOOL
double seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// CPU time of the tool and its worker, where a command prints so many bytes without a line end.
double seconds_of_output(int bytes) {
  const double before = seconds_of_children();
  SpawnOptions options;
  options.command = {COHORT_TOOL,           "exec",     "-p", "1", "--no-prefix", "--", "head", "-c",
                     std::to_string(bytes), "/dev/zero"};
  ChildProcess tool = ChildProcess::spawn(options);
  std::size_t printed = 0;
  std::vector<char> buffer(1 << 16);
  for (ssize_t n = 0; (n = read(tool.out(), buffer.data(), buffer.size())) > 0;) printed += static_cast<std::size_t>(n);
  const auto status = tool.wait_until(deadline_after(60s));
  EXPECT_TRUE(status && status->exited && status->code == 0);
  EXPECT_GE(printed, static_cast<std::size_t>(bytes));
  return seconds_of_children() - before;
}

TEST(GrowthOfOutput, BytesWithoutALineEnd) {
  const double start_and_end = seconds_of_output(1);
  expect_linear(
      "bytes without a line end", [&](int bytes) { return seconds_of_output(bytes) - start_and_end; },
      {8 << 20, 64 << 20}, 5e-9);
}
#endif

}  // namespace
}  // namespace cohort::growth

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
