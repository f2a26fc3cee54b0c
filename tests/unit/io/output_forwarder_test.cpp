#include "io/output_forwarder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pipe_pair.hpp"

namespace cohort::test {
namespace {

// A worker's side of its output, and what its launch came to.
class FakeWorker {
 public:
  OutputForwarder::Id watch(OutputForwarder& forwarder, Clock::time_point deadline = patience()) {
    return forwarder.watch(
        io(), deadline, [this](std::string host, int port) { result_.set_value(host + " " + std::to_string(port)); },
        [this](StartupFailure why, std::string message) {
          result_.set_value((why == StartupFailure::ended ? "ended: " : "failed: ") + message);
        });
  }
  OutputForwarder::Id forward(OutputForwarder& forwarder, Pid pid) {
    const auto id = forwarder.forward(io());
    forwarder.set_pid(id, pid);
    return id;
  }
  // The callback must come once: set_value throws the second time.
  std::string result() { return future_.wait_until(patience()) == std::future_status::ready ? future_.get() : "none"; }

  PipePair out;
  PipePair err;

 private:
  WorkerOutput io() { return {out.read.release(), err.read.release()}; }

  std::promise<std::string> result_;
  std::future<std::string> future_ = result_.get_future();
};

// A forwarder that prints to pipes. What it printed is read to the end, after it was destroyed.
struct Printed {
  PipePair out;
  PipePair err;
  std::unique_ptr<OutputForwarder> forwarder = std::make_unique<OutputForwarder>(out.write.get(), err.write.get());

  std::string end() {
    forwarder.reset();
    out.write.reset();
    err.write.reset();
    return read_to_end(out.read.get());
  }
  std::string end_err() {
    end();
    return read_to_end(err.read.get());
  }
};

TEST(OutputForwarder, FindsTheAddressAndShowsWhatCameBeforeIt) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.watch(*printed.forwarder);
  write_all(worker.err.write.get(), "a warning\n");
  write_all(worker.out.write.get(), "Welcome\n\ncohort_worker:91");
  write_all(worker.out.write.get(), "23#127.0.0.1\n");
  EXPECT_EQ(worker.result(), "127.0.0.1 9123");
  printed.forwarder->set_pid(id, 2);
  write_all(worker.out.write.get(), "hello\n");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.forwarder->tail(id), "a warning");
  EXPECT_EQ(printed.end(),
            "      From worker startup:\tWelcome\n      From worker startup:\t\n      From worker 2:\thello\n");
  EXPECT_EQ(printed.end_err(), "      From worker startup:\ta warning\n");
}

TEST(OutputForwarder, FindsTheAddressBehindALineWithoutEnd) {
  FakeWorker worker;
  Printed printed;
  worker.watch(*printed.forwarder);
  write_all(worker.out.write.get(), "Loading ... cohort_worker:9123#127.0.0.1\nhello\n");
  EXPECT_EQ(worker.result(), "127.0.0.1 9123");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.end().starts_with("      From worker startup:\tLoading ... \n"));
}

TEST(OutputForwarder, TellsThatTheCommandEndedAndItsLastWords) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.watch(*printed.forwarder);
  write_all(worker.out.write.get(), "starting\ncohort_worker:9123#cut off");
  write_all(worker.err.write.get(), "no licence");
  worker.out.write.reset();
  worker.err.write.reset();
  const std::string result = worker.result();
  EXPECT_TRUE(
      result.starts_with("ended: Unable to read host:port string from worker. Launch command exited with error?"))
      << result;
  for (const char* line : {"\n  starting", "\n  no licence", "\n  cohort_worker:9123#cut off"})
    EXPECT_NE(result.find(line), std::string::npos) << result;
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.end(), "") << "the failure is told by the message alone";
  EXPECT_EQ(printed.end_err(), "");
}

TEST(OutputForwarder, DoesNotWaitForEverForTheLastWords) {
  FakeWorker worker;
  Printed printed;
  worker.watch(*printed.forwarder);
  worker.out.write.reset();
  EXPECT_TRUE(worker.result().starts_with("ended: Unable to read host:port"));
}

TEST(OutputForwarder, GivesUpAfterAThousandOtherLines) {
  FakeWorker worker;
  Printed printed;
  worker.watch(*printed.forwarder);
  std::string lines;
  for (int i = 1; i <= 1001; ++i) lines += "line " + std::to_string(i) + "\n";
  write_all(worker.out.write.get(), lines);
  const std::string result = worker.result();
  EXPECT_TRUE(
      result.starts_with("failed: Unexpected output from worker launch command. Host:port string not found.\nThe last "
                         "lines it printed:\n  line 992\n"))
      << result;
  EXPECT_TRUE(result.ends_with("\n  line 1001"));
}

TEST(OutputForwarder, GivesUpAtTheDeadline) {
  FakeWorker worker;
  Printed printed;
  write_all(worker.out.write.get(), "Password: ");
  worker.watch(*printed.forwarder, Clock::now() + 50ms);
  EXPECT_EQ(
      worker.result(),
      "failed: Timed out waiting to read host:port string from worker.\nThe last lines it printed:\n  Password: ");
}

TEST(OutputForwarder, PrefixesWholeLinesAndKeepsTheStreamsApart) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.forward(*printed.forwarder, 3);
  write_all(worker.out.write.get(), "one\ntw");
  write_all(worker.err.write.get(), "bad\n");
  write_all(worker.out.write.get(), "o\n      From worker 7:\tforwarded before\nno end");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.end(),
            "      From worker 3:\tone\n      From worker 3:\ttwo\n      From worker 7:\tforwarded before\n"
            "      From worker 3:\tno end\n");
  EXPECT_EQ(printed.end_err(), "      From worker 3:\tbad\n");
}

TEST(OutputForwarder, PassesOnWhatComesByAConnectionWhenThereIsRoom) {
  Printed printed;
  std::atomic<int> taken{0};
  std::promise<void> all_taken;
  const auto id = printed.forwarder->forward_fed(4);
  const auto count = [&] {
    if (++taken == 3) all_taken.set_value();
  };
  printed.forwarder->feed(id, false, "one\ntw", count);
  printed.forwarder->feed(id, true, "bad\n", count);
  printed.forwarder->feed(id, false, "o\nno end", count);
  EXPECT_FALSE(printed.forwarder->drain(id, Clock::now() + 20ms)) << "more may come";
  EXPECT_EQ(all_taken.get_future().wait_until(patience()), std::future_status::ready);
  printed.forwarder->end_feed(id);
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.forwarder->tail(id), "bad");
  EXPECT_EQ(printed.end(), "      From worker 4:\tone\n      From worker 4:\ttwo\n      From worker 4:\tno end\n");
  EXPECT_EQ(printed.end_err(), "      From worker 4:\tbad\n");
}

TEST(OutputForwarder, AConnectionThatEndsLaterIsNotWaitedFor) {
  Printed printed;
  const auto id = printed.forwarder->forward_fed(4);
  std::promise<void> taken;
  printed.forwarder->feed(id, false, "one\n", [&] { taken.set_value(); });
  ASSERT_EQ(taken.get_future().wait_until(patience()), std::future_status::ready);
  pollfd printed_line{printed.out.read.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&printed_line, 1, poll_timeout(patience())), 1);
  char line[64];
  EXPECT_GT(::read(printed.out.read.get(), line, sizeof line), 0);
  printed.forwarder->end_feed(id);
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
}

TEST(OutputForwarder, AConnectionWaitsForASlowReader) {
  Printed printed;
  std::atomic<int> taken{0};
  const auto id = printed.forwarder->forward_fed(4);
  const int pieces = 100;
  for (int i = 0; i < pieces; i++)
    printed.forwarder->feed(id, false, std::string(50'000, 'x') + "\n", [&] { taken++; });
  std::promise<void> error_taken;
  printed.forwarder->feed(id, true, "bad\n", [&] { error_taken.set_value(); });
  EXPECT_EQ(error_taken.get_future().wait_until(patience()), std::future_status::ready) << "standard error goes on";
  EXPECT_FALSE(printed.forwarder->drain(id, Clock::now() + 50ms));
  EXPECT_LT(taken, 40) << "nobody reads";
  std::jthread reader([&, out = printed.out.read.get()] { read_to_end(out); });
  printed.forwarder->end_feed(id);
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(taken, pieces);
  printed.forwarder.reset();
  printed.out.write.reset();
}

TEST(OutputForwarder, KeepsTheLastTwentyLinesOfStandardError) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.forward(*printed.forwarder, 2);
  std::string expected;
  for (int i = 1; i <= 25; ++i) {
    write_all(worker.err.write.get(), "line " + std::to_string(i) + "\n");
    if (i > 5) expected += (i > 6 ? "\nline " : "line ") + std::to_string(i);
  }
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.forwarder->tail(id), expected);
  printed.forwarder->remove(id);
  EXPECT_EQ(printed.forwarder->tail(id), "");
}

TEST(OutputForwarder, ModeAndPrefixChooseWhatIsShown) {
  for (const auto mode : {ForwardMode::all, ForwardMode::only_stderr, ForwardMode::none}) {
    FakeWorker worker;
    Printed printed;
    printed.forwarder->set_mode(mode);
    printed.forwarder->set_prefix(ForwardPrefix::none);
    const auto id = worker.forward(*printed.forwarder, 2);
    write_all(worker.out.write.get(), "out\n");
    write_all(worker.err.write.get(), "err\n");
    worker.out.write.reset();
    worker.err.write.reset();
    EXPECT_TRUE(printed.forwarder->drain(id, patience()));
    EXPECT_EQ(printed.forwarder->tail(id), "err") << "error texts need it in every mode";
    EXPECT_EQ(printed.end(), mode == ForwardMode::all ? "out\n" : "");
    EXPECT_EQ(printed.end_err(), mode == ForwardMode::none ? "" : "err\n");
  }
}

TEST(OutputForwarder, AHookRewritesLinesAndMayFail) {
  FakeWorker worker;
  Printed printed;
  printed.forwarder->set_hook([](Pid pid, bool is_stderr, std::string_view line) -> std::string {
    if (line == "throw") throw std::runtime_error("hook");
    return std::to_string(pid) + (is_stderr ? " err " : " out ") + std::string(line);
  });
  const auto id = worker.forward(*printed.forwarder, 2);
  write_all(worker.out.write.get(), "hello\nthrow\n");
  write_all(worker.err.write.get(), "hello\n");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.end(), "2 out hello\n      From worker 2:\tthrow\n");
  EXPECT_EQ(printed.end_err(), "2 err hello\n");
}

TEST(OutputForwarder, RemovingAWorkerPassesOnItsLastWords) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.forward(*printed.forwarder, 2);
  write_all(worker.out.write.get(), "last words");
  EXPECT_FALSE(printed.forwarder->drain(id, Clock::now() + 20ms)) << "its output has not ended";
  printed.forwarder->remove(id);
  printed.forwarder->remove(id);
  EXPECT_EQ(printed.end(), "      From worker 2:\tlast words\n");
  // Its descriptors are closed, though it runs on.
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(::write(worker.out.write.get(), "x", 1), -1);
  ::signal(SIGPIPE, SIG_DFL);
}

TEST(OutputForwarder, ARemovedWorkerCallsNobody) {
  Printed printed;
  std::atomic<int> calls{0};
  FakeWorker worker;
  const WorkerOutput io{worker.out.read.release(), worker.err.read.release()};
  const auto id = printed.forwarder->watch(
      io, patience(), [&](std::string, int) { ++calls; }, [&](StartupFailure, std::string) { ++calls; });
  printed.forwarder->remove(id);
  write_all(worker.out.write.get(), "");
  printed.end();
  EXPECT_EQ(calls, 0);
}

TEST(OutputForwarder, ACallbackMayRemoveItsWorkerAndAddAnother) {
  Printed printed;
  FakeWorker first;
  FakeWorker second;
  std::promise<void> added;
  std::atomic<OutputForwarder::Id> id{0};
  id = printed.forwarder->watch(
      {first.out.read.release(), first.err.read.release()}, patience(), [](std::string, int) {},
      [&](StartupFailure, std::string) {
        printed.forwarder->remove(id);
        second.watch(*printed.forwarder);
        added.set_value();
      });
  first.out.write.reset();
  first.err.write.reset();
  ASSERT_EQ(added.get_future().wait_until(patience()), std::future_status::ready);
  write_all(second.out.write.get(), "cohort_worker:1#::1\n");
  EXPECT_EQ(second.result(), "::1 1");
}

TEST(OutputForwarder, ABrokenStandardOutputLosesNothingElse) {
  FakeWorker worker;
  Printed printed;
  printed.out.read.reset();
  const auto id = worker.forward(*printed.forwarder, 2);
  for (int i = 0; i < 100; ++i) write_all(worker.out.write.get(), std::string(50'000, 'x') + "\n");
  write_all(worker.err.write.get(), "still here\n");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  EXPECT_EQ(printed.end_err(), "      From worker 2:\tstill here\n");
}

TEST(OutputForwarder, AnUnreadStandardOutputStopsNeitherErrorsNorLaunches) {
  Printed printed;
  FakeWorker noisy;
  noisy.forward(*printed.forwarder, 2);
  ::fcntl(noisy.out.write.get(), F_SETFL, O_NONBLOCK);
  // Fill all there is between the worker and us: then the worker has to wait.
  const std::string line = std::string(999, 'x') + "\n";
  std::size_t sent = 0;
  for (int refused = 0; refused < 20;) {
    pollfd room{noisy.out.write.get(), POLLOUT, 0};
    if (::poll(&room, 1, 10) == 0) {
      ++refused;
    } else if (::write(noisy.out.write.get(), line.data(), line.size()) == 1000) {
      refused = 0;
      sent += line.size();
    }
    ASSERT_LT(sent, 100u << 20) << "the worker never had to wait";
  }
  write_all(noisy.err.write.get(), "an error\n");
  EXPECT_EQ(read_until(printed.err.read.get(), [](const std::string& text) { return text.ends_with('\n'); }),
            "      From worker 2:\tan error\n");
  FakeWorker fresh;
  fresh.watch(*printed.forwarder);
  write_all(fresh.out.write.get(), "cohort_worker:1#h\n");
  EXPECT_EQ(fresh.result(), "h 1");
  // Nothing was lost once it is read.
  noisy.out.write.reset();
  auto text = std::async(std::launch::async, [&] { return read_to_end(printed.out.read.get()); });
  printed.forwarder.reset();
  printed.out.write.reset();
  const std::string all = text.get();
  EXPECT_EQ(static_cast<std::size_t>(std::count(all.begin(), all.end(), 'x')), sent / 1000 * 999);
}

// Four workers at once, and lines of all lengths: every byte arrives, in order, and no line within another.
TEST(OutputForwarder, KeepsLinesWholeUnderAFlood) {
  constexpr int workers = 4;
  constexpr int lines = 20'000;
  Printed printed;
  FakeWorker worker[workers];
  std::vector<OutputForwarder::Id> ids;
  for (int i = 0; i < workers; ++i) ids.push_back(worker[i].forward(*printed.forwarder, 2 + i));
  auto text = std::async(std::launch::async, [&] { return read_to_end(printed.out.read.get()); });
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < workers; ++i) {
      writers.emplace_back([&, i] {
        for (int n = 0; n < lines; ++n)
          write_all(worker[i].out.write.get(), std::to_string(n) + ":" + std::string(n * 7 % 300, 'a' + i) + "\n");
        worker[i].out.write.reset();
        worker[i].err.write.reset();
      });
    }
  }
  for (const auto id : ids) EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  printed.forwarder.reset();
  printed.out.write.reset();
  int next[workers] = {};
  std::string all = text.get();
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    ASSERT_NE(end, all.npos);
    const std::string_view line = std::string_view(all).substr(at, end - at);
    ASSERT_TRUE(line.starts_with("      From worker ")) << line;
    const int i = line[18] - '2';
    ASSERT_TRUE(i >= 0 && i < workers) << line;
    const int n = next[i]++;
    ASSERT_EQ(line.substr(19), ":\t" + std::to_string(n) + ":" + std::string(n * 7 % 300, 'a' + i));
    at = end + 1;
  }
  for (const int count : next) EXPECT_EQ(count, lines);
}

TEST(OutputForwarder, CutsEndlessLines) {
  FakeWorker worker;
  Printed printed;
  const auto id = worker.forward(*printed.forwarder, 2);
  auto text = std::async(std::launch::async, [&] { return read_to_end(printed.out.read.get()); });
  write_all(worker.out.write.get(), std::string(100'000, 'x') + "\n");
  worker.out.write.reset();
  worker.err.write.reset();
  EXPECT_TRUE(printed.forwarder->drain(id, patience()));
  printed.forwarder.reset();
  printed.out.write.reset();
  const std::string prefix = "      From worker 2:\t";
  EXPECT_EQ(text.get(), prefix + std::string(65536, 'x') + "\n" + prefix + std::string(100'000 - 65536, 'x') + "\n");
}

}  // namespace
}  // namespace cohort::test
