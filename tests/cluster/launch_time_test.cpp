// Groups B, E: launches that take too long, are cancelled, or pass their deadline.

#include <atomic>
#include <stop_token>
#include <thread>

#include "launch_fixture.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class LaunchTimeTest : public LaunchTest {};

constexpr Duration time_for_a_worker = 4s;  // to start, on a slow machine too

// manage() returns when the test says so.
struct BlockingManager : LaunchingManager {
  void launch(const LaunchParams& params, LaunchQueue& launched) override { launched.push(start(params)); }
  void manage(Pid pid, WorkerConfig& config, ManageOp op) override {
    if (op == ManageOp::register_worker) eventually([this] { return released.load(); }, 60s);
    LaunchingManager::manage(pid, config, op);
  }
  std::atomic<bool> released{false};
};

TEST_F(LaunchTimeTest, AManageThatDoesNotReturnIsNamedSoonAfterTheTimeOfTheLaunch) {
  AddprocsOptions options;
  options.timeouts = Timeouts{.launch = time_for_a_worker};
  const auto manager = std::make_shared<BlockingManager>();
  const auto text = thrown_within<LaunchError>(time_for_a_worker, [&] { addprocs(manager, options); });
  EXPECT_TRUE(contains(text, "Not returned: manage() of manager 'of the program'")) << text;
  manager->released = true;
}

TEST_F(LaunchTimeTest, ALaunchWhoseTimeIsUpCanBeCalledOff) {
  std::stop_source stop;
  AddprocsOptions options;
  options.timeouts = Timeouts{.launch = time_for_a_worker, .shutdown = 10ms, .term = 10ms, .kill = 10ms};
  options.stop_token = stop.get_token();
  const auto manager = std::make_shared<BlockingManager>();
  std::jthread ctrl_c([&, begin = Clock::now()] {
    EXPECT_TRUE(eventually([&] { return Clock::now() > begin + time_for_a_worker + 300ms; }));
    stop.request_stop();
  });
  EXPECT_EQ(thrown_within<CancelledException>(time_for_a_worker, [&] { addprocs(manager, options); }),
            "the launch was cancelled");
  manager->released = true;
  EXPECT_TRUE(eventually([] { return children().empty(); })) << "manage() ends it, as soon as it can be called";
}

TEST_F(LaunchTimeTest, AManagerWhoseWorkersQueueExtendsTheLaunch) {
  struct Queueing : LaunchingManager {
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      launched.extend(deadline_after(60s));
      launched.extend(deadline_after(1s));  // the latest counts
      eventually([&] { return params.stop.stop_requested(); }, 2s);
      launched.push(start(params));
    }
  };
  AddprocsOptions options;
  options.timeouts.emplace().launch = 500ms;
  EXPECT_EQ(addprocs(std::make_shared<Queueing>(), options).size(), 1u);
}

TEST_F(LaunchTimeTest, AManagerMayLaunchNothing) {
  struct Empty : LaunchingManager {
    void launch(const LaunchParams&, LaunchQueue&) override {}
  };
  EXPECT_EQ(addprocs(std::make_shared<Empty>()), std::vector<Pid>{});
}

TEST_F(LaunchTimeTest, ALaunchThatLastsTooLongIsStoppedAndItsWorkersStay) {
  struct Endless : LaunchingManager {
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      launched.push(start(params));
      eventually([&] { return params.stop.stop_requested(); }, 60s);
      if (heeds_stop) return;
      eventually([&] { return released.load(); }, 60s);
      launched.push(start(params));
      late_one_pushed = true;
    }
    bool heeds_stop = true;
    std::atomic<bool> released{false}, late_one_pushed{false};
  };
  AddprocsOptions options;
  options.timeouts.emplace().launch = 2s;
  const auto heeding = std::make_shared<Endless>();
  EXPECT_EQ(thrown_by<LaunchError>([&] { addprocs(heeding, options); }),
            "launch() of manager 'of the program' did not return within 2 s and was stopped; workers that are up stay. "
            "timeouts.launch says how long it may take");
  const auto stubborn = std::make_shared<Endless>();
  stubborn->heeds_stop = false;
  const auto text = thrown_by<LaunchError>([&] { addprocs(stubborn, options); });
  EXPECT_TRUE(contains(text, "launch() of manager 'of the program' did not return within 2 s")) << text;
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
  stubborn->released = true;
  EXPECT_TRUE(eventually([&] { return stubborn->late_one_pushed.load(); }));
  EXPECT_TRUE(eventually([] { return children().size() == 2; })) << "a worker that comes too late is ended";
  EXPECT_EQ(workers(), (std::vector<Pid>{2, 3}));
}

// Whoever wants the workers no more gets none, and nothing stays that was started for them.
TEST_F(LaunchTimeTest, ALaunchThatIsCalledOffLeavesNothing) {
  AddprocsOptions options;
  options.exename = directory_.script("silent", "sleep 1000 & echo here; exec sleep 1000");
  const Pid other = addprocs(1).front();
  std::stop_source stop;
  options.stop_token = stop.get_token();
  std::jthread ctrl_c([&] {
    EXPECT_TRUE(eventually([] { return children().size() == 3; }));
    stop.request_stop();
  });
  for (const char* when : {"while it launches", "before"}) {
    EXPECT_EQ(thrown_within<CancelledException>(0s, [&] { addprocs(2, options); }), "the launch was cancelled") << when;
    EXPECT_EQ(children().size(), 1u) << when;
    EXPECT_EQ(workers(), std::vector<Pid>{other}) << when;
  }
  EXPECT_EQ(addprocs(1).size(), 1u) << "and others can be added";
}

TEST_F(LaunchTimeTest, ALaunchEndsAtTheDeadlineOfItsCallAndLeavesNothing) {
  AddprocsOptions options;
  options.exename = directory_.script("silent", "sleep 1000 & echo here; exec sleep 1000");
  const Pid other = addprocs(1).front();
  for (const bool passed : {false, true}) {
    const char* const when = passed ? "before" : "while it launches";
    options.deadline = passed ? Duration(-1s) : Duration(300ms);
    EXPECT_EQ(thrown_within<TimeoutError>(0s, [&] { addprocs(2, options); }),
              "the workers were not all up at the deadline of addprocs")
        << when;
    EXPECT_EQ(children().size(), 1u) << when;
    EXPECT_EQ(workers(), std::vector<Pid>{other}) << when;
  }
  options = {};
  options.deadline = 60s;
  EXPECT_EQ(addprocs(1, options).size(), 1u) << "and others can be added";
}

TEST_F(LaunchTimeTest, ALaunchThatIsCalledOffLeavesNoWorkerThatIsUpEither) {
  struct OneAndOneMore : LaunchingManager {
    void launch(const LaunchParams& params, LaunchQueue& launched) override {
      launched.push(start(params));
      EXPECT_TRUE(eventually([&] { return params.stop.stop_requested(); }, 60s));
      launched.push(start(params));  // it was about to
    }
    void manage(Pid pid, WorkerConfig& config, ManageOp op) override {
      if (op == ManageOp::register_worker) it_joined = true;
      LaunchingManager::manage(pid, config, op);
    }
    std::atomic<bool> it_joined{false};
  };
  std::stop_source stop;
  AddprocsOptions options;
  options.stop_token = stop.get_token();
  const auto manager = std::make_shared<OneAndOneMore>();
  std::jthread ctrl_c([&] {
    EXPECT_TRUE(eventually([&] { return manager->it_joined.load(); }));
    stop.request_stop();
  });
  EXPECT_EQ(thrown_within<CancelledException>(0s, [&] { addprocs(manager, options); }), "the launch was cancelled");
  EXPECT_TRUE(children().empty());
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(LaunchTimeTest, AClusterFileWhoseLaunchIsCalledOffOrLateLeavesNothing) {
  ManagerSpec up, silent;
  up.plugin = up.id = silent.plugin = "local";
  silent.id = "silent";
  up.options_json = R"({"count": 1})";
  silent.options_json = R"({"count": 1, "exename": ")" + directory_.script("silent", "exec sleep 1000") + "\"}";
  ClusterFile file;
  file.managers = {up, silent};
  std::stop_source stop;
  std::jthread ctrl_c([&] {
    EXPECT_TRUE(eventually([] { return nprocs() == 2 && children().size() == 2; }));
    stop.request_stop();
  });
  EXPECT_EQ(thrown_within<CancelledException>(0s, [&] { addprocs(file, {.stop_token = stop.get_token()}); }),
            "the launch was cancelled");
  EXPECT_TRUE(children().empty());
  EXPECT_EQ(nprocs(), 1);
  thrown_within<TimeoutError>(0s, [&] { addprocs(file, {.deadline = 500ms}); });
  EXPECT_TRUE(children().empty());
  EXPECT_EQ(nprocs(), 1);
}

// Launches nothing until it is stopped, and says how many that leaves out, or does not.
struct SlowStarter : LaunchingManager {
  explicit SlowStarter(bool tells) : tells_(tells) {}
  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    EXPECT_TRUE(eventually([&] { return params.stop.stop_requested(); }, 60s));
    if (tells_) launched.fail("no time for the others", 3);
  }
  const bool tells_;
};

TEST_F(LaunchTimeTest, FewerThanAskedForWhenTheTimeIsUpAreNeverSilent) {
  AddprocsOptions options;
  options.timeouts.emplace().launch = 20ms;
  const auto launch = [&](bool tells, std::optional<std::string> min) {
    options.min = std::move(min);
    return thrown_by([&] { addprocs(std::make_shared<SlowStarter>(tells), options); });
  };
  EXPECT_TRUE(contains(launch(true, std::nullopt), "no time for the others"));
  EXPECT_TRUE(contains(launch(false, std::nullopt), "did not return within 0.02 s"));
  // A share of all is met only where the manager tells how many all are.
  EXPECT_EQ(launch(true, "0%"), "");
  EXPECT_NE(launch(true, "1%"), "");
  EXPECT_EQ(launch(false, "0"), "");
  EXPECT_TRUE(contains(launch(false, "0%"), "did not return within 0.02 s"));
  EXPECT_NE(launch(false, "1"), "");
  EXPECT_NE(launch(false, "all"), "");
}

TEST_F(LaunchTimeTest, TheManagerLocalTellsHowManyItHadNoTimeFor) {
  AddprocsOptions options;
  options.timeouts.emplace().launch = 1ns;
  const std::string text = thrown_by([&] { addprocs(5, options); });
  EXPECT_TRUE(contains(text, " of 5 workers were started; timeouts.launch says how long")) << text;
}

TEST_F(LaunchTimeTest, TimesThatMakeNoSenseAreRefusedBeforeAnythingIsLaunched) {
  AddprocsOptions options;
  const auto refused = [&](Duration Timeouts::*which, Duration value) {
    options.timeouts.emplace().*which = value;
    return thrown_by<ConfigError>([&] { addprocs(1, options); });
  };
  EXPECT_EQ(refused(&Timeouts::launch, 0s), "timeouts.launch: expected a duration longer than 0, found 0 s");
  EXPECT_EQ(refused(&Timeouts::launch, -5s), "timeouts.launch: expected a duration longer than 0, found -5 s");
  EXPECT_NE(refused(&Timeouts::connect, 0s), "");
  EXPECT_NE(refused(&Timeouts::dead, -1ns), "");
  EXPECT_NE(refused(&Timeouts::term, -1ns), "");
  EXPECT_EQ(nprocs(), 1);
  EXPECT_EQ(refused(&Timeouts::term, 0s), "");
  EXPECT_EQ(refused(&Timeouts::launch, never - 1ns), "") << "nearly never";
  EXPECT_EQ(nworkers(), 2);
  EXPECT_THROW(ping(2, -1s), ConfigError);
  EXPECT_THROW(rmprocs(2, {.waitfor = -1s}), ConfigError);
  EXPECT_EQ(nworkers(), 2);
  rmprocs(2, {.waitfor = never - 1ns});
  EXPECT_GE(ping(3, never - 1ns), 0s);
}

}  // namespace
}  // namespace cohort::test
