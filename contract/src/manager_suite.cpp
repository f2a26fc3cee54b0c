#include <cohort/contract/manager_suite.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include <cohort/cohort.hpp>
#include <cohort/contract/eventually.hpp>

#include "processes.hpp"

namespace cohort::contract {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration leave_limit = 20s;  // for what was ended to be gone: less, so that a test can say what is not

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What workers do.

std::string process_seen_from_here() { return namespace_id() + ' ' + std::to_string(::getpid()); }

std::atomic<int> signalled{0};  // set on whatever thread takes the signal

int wait_for_an_interrupt() {
  ::signal(SIGINT, [](int) { signalled = 1; });
  // Looks at nothing that the message of an interrupt would change.
  eventually([] { return signalled != 0; }, leave_limit);
  return signalled;
}

int end_with(int code) { ::_exit(code); }

int die() { return ::raise(SIGKILL); }

void stop() { ::raise(SIGSTOP); }

std::string secret_places() { return text_of("/proc/self/cmdline") + text_of("/proc/self/environ"); }

std::string directory_and_arguments() {
  std::string arguments = text_of("/proc/self/cmdline");
  std::replace(arguments.begin(), arguments.end(), '\0', '\n');
  return std::filesystem::current_path().string() + '\n' + arguments;
}

/// What is wrong with the order of a worker's calls; "" if nothing.
std::string wrong_order(const std::vector<std::string>& calls) {
  const auto count = [&](const char* name) { return std::count(calls.begin(), calls.end(), name); };
  const auto place = [&](const char* name) { return std::find(calls.begin(), calls.end(), name); };
  if (count("register") > 1) return "registered more than once";
  if (count("deregister") != 1) return "not deregistered once";
  if (count("finalize") != 1 || calls.back() != "finalize") return "not finalized once, as the last call";
  if (count("register") == 1 && place("register") > place("deregister")) return "deregistered before it was registered";
  if (place("interrupt") != calls.end() && count("register") == 0) return "interrupted, but not registered";
  return "";
}

}  // namespace

std::string test_name(const ManagerUnderTest& manager) { return manager.name; }

bool ManagerContract::Worker::is_seen_running() const { return visible && is_running(ospid); }

void ManagerContract::SetUp() {
  options_ = GetParam().make_options ? GetParam().make_options() : GetParam().options;
  children_before_ = children();
  make(1);
}

void ManagerContract::TearDown() {
  if (manager_ == nullptr) return;
  rmprocs(procs().size() > 1 ? workers() : std::vector<Pid>{});
  EXPECT_EQ(nprocs(), 1);
  for (const Pid pid : manager_->pids()) {
    const auto calls = manager_->calls(pid);
    EXPECT_EQ(wrong_order(calls), "") << "worker " << pid << ": " << testing::PrintToString(calls);
  }
  EXPECT_EQ(manager_->problems(), "") << "manage(), kill() and exit_cause() throw nothing";
  manager_.reset();
  EXPECT_TRUE(eventually([this] { return new_children().empty(); }, leave_limit))
      << "left behind: " << describe(new_children());
}

// What `make_options` started is not the manager's.
std::vector<int> ManagerContract::new_children() const {
  auto pids = children();
  std::erase_if(pids, [this](int pid) {
    return std::find(children_before_.begin(), children_before_.end(), pid) != children_before_.end();
  });
  return pids;
}

std::string ManagerContract::with(const std::string& options, const std::string& key, const std::string& json_value) {
  Json object = Json::parse(options);
  object[key] = Json::parse(json_value);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void ManagerContract::make(int count) {
  const auto& under_test = GetParam();
  if (under_test.make_manager) {
    auto made = under_test.make_manager(count);
    if (made == nullptr) throw Error("make_manager() of '" + under_test.name + "' made nothing");
    manager_ = std::make_shared<ObservedManager>(std::move(made));
    return;
  }
  const std::string options = has_count() ? with(options_, under_test.count_option, std::to_string(count)) : options_;
  manager_ = std::make_shared<ObservedManager>(load_manager(under_test.plugin, options));
}

Pid ManagerContract::add_one(const AddprocsOptions& options) {
  const auto pids = add(options);
  if (pids.empty()) throw Error("addprocs() says that all is well, but no worker was launched");
  return pids.front();
}

ManagerContract::Worker ManagerContract::look_at(Pid pid) {
  std::istringstream seen(remotecall_fetch(fn<process_seen_from_here>, pid));
  Worker worker;
  worker.pid = pid;
  std::string space;
  seen >> space >> worker.ospid;
  worker.visible = space == namespace_id();
  return worker;
}

std::string ManagerContract::failure(const AddprocsOptions& options) {
  try {
    add(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// --- Options. ---

TEST_P(ManagerContract, AnUnknownOptionIsRefusedByItsName) {
  if (GetParam().make_manager) GTEST_SKIP() << "the manager is not a plugin";
  try {
    load_manager(GetParam().plugin, with(options_, "no_such_option_here", "1"));
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_TRUE(contains(error.what(), "no_such_option_here")) << error.what();
  }
}

TEST_P(ManagerContract, AWrongValueIsRefusedWithTheNameOfItsOption) {
  if (GetParam().make_manager) GTEST_SKIP() << "the manager is not a plugin";
  auto bad = GetParam().bad_options;
  if (has_count()) {
    for (const char* value : {"\"many\"", "-1", "1.5"})
      bad.emplace_back(with(options_, GetParam().count_option, value), GetParam().count_option);
  }
  if (bad.empty()) GTEST_SKIP() << "no wrong value is known";
  for (const auto& [options, name] : bad) {
    try {
      load_manager(GetParam().plugin, options);
      ADD_FAILURE() << "accepted: " << options;
    } catch (const ConfigError& error) {
      EXPECT_TRUE(contains(error.what(), name)) << error.what();
    }
  }
}

// --- Launching. ---

TEST_P(ManagerContract, NoWorkersAreNoError) {
  if (!has_count()) GTEST_SKIP() << "it has no option for the number of workers";
  try {
    make(0);
  } catch (const ConfigError& error) {  // it wants one at least, and says so
    EXPECT_TRUE(contains(error.what(), GetParam().count_option)) << error.what();
    return;
  }
  EXPECT_EQ(add(), std::vector<Pid>{});
}

TEST_P(ManagerContract, AWorkerJoinsAndAnswers) {
  const Pid first = add_one();
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, first), first);
  if (has_count()) {
    EXPECT_EQ(nworkers(), 1);
  }
  for (const Pid pid : workers()) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_P(ManagerContract, SeveralWorkersJoinAndReachEachOther) {
  if (!has_count()) GTEST_SKIP() << "it has no option for the number of workers";
  make(3);
  const auto pids = add();
  ASSERT_EQ(pids.size(), 3u);
  for (std::size_t i = 0; i < pids.size(); i++) {
    const Pid next = pids[(i + 1) % pids.size()];
    EXPECT_EQ(remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, pids[i], next),
              next);
  }
}

TEST_P(ManagerContract, OneManagerLaunchesAgain) {
  const auto first = add();
  const auto second = add();
  EXPECT_EQ(first.size(), second.size());
  for (const auto& pids : {first, second})
    for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_P(ManagerContract, WorkersGetTheirDirectoryAndTheirArguments) {
  AddprocsOptions options;
  options.dir = "/";
  options.exeflags = {"one argument", "$HOME;'\"\\"};
  for (const Pid pid : add(options)) {
    const std::string told = remotecall_fetch(fn<directory_and_arguments>, pid);
    EXPECT_TRUE(told.starts_with("/\n")) << "LaunchParams::dir was '/', the worker runs in and with:\n" << told;
    for (const auto& flag : options.exeflags)
      EXPECT_TRUE(contains(told, '\n' + flag + '\n')) << "a flag of LaunchParams::exeflags is not there:\n" << told;
  }
}

TEST_P(ManagerContract, TheCookieIsInNoArgumentAndNoVariable) {
  const std::string cookie = cluster_cookie();
  for (const Pid pid : add())
    EXPECT_FALSE(contains(remotecall_fetch(fn<secret_places>, pid), cookie)) << "of the worker";
  for (const int child : children()) {
    EXPECT_FALSE(contains(text_of("/proc/" + std::to_string(child) + "/cmdline"), cookie))
        << "in the arguments of a child";
    EXPECT_FALSE(contains(text_of("/proc/" + std::to_string(child) + "/environ"), cookie))
        << "in the variables of a child";
  }
}

TEST_P(ManagerContract, AProgramThatIsMissingIsAnErrorWithItsName) {
  AddprocsOptions options;
  options.exename = "/no/such/program";
  options.timeouts.emplace().launch = patience;
  const std::string text = failure(options);
  EXPECT_TRUE(contains(text, "/no/such/program")) << text;
  EXPECT_EQ(nprocs(), 1);
}

TEST_P(ManagerContract, AWorkerThatDiesInLaunchIsAnErrorAndTheNextLaunchIsNot) {
  AddprocsOptions options;
  options.exename = "/bin/false";
  options.timeouts.emplace().launch = patience;
  EXPECT_NE(failure(options), "") << "nothing was said about a worker that exited at once";
  EXPECT_EQ(nprocs(), 1);
  const Pid pid = add_one();
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_P(ManagerContract, ALaunchThatIsGivenUpEnds) {
  if (has_count()) make(3);
  manager_->give_up_launch();
  const auto start = Clock::now();
  std::vector<Pid> pids;
  try {
    pids = add();
  } catch (const LaunchError&) {  // it may say so, or launch none
  }
  EXPECT_LT(Clock::now() - start, patience);
  if (has_count()) {
    EXPECT_LE(pids.size(), 3u);
  }
}

// --- Life and end. ---

TEST_P(ManagerContract, IsToldOfEachWorkerWhenItComesAndWhenItGoes) {
  if (has_count()) make(2);
  const auto pids = add();
  for (const Pid pid : pids) {
    EXPECT_TRUE(manager_->was_called(pid, "register"));
    EXPECT_FALSE(manager_->was_called(pid, "deregister"));
  }
  rmprocs(pids);
  for (const Pid pid : pids) EXPECT_TRUE(manager_->was_called(pid, "finalize"));
}

TEST_P(ManagerContract, AnInterruptReachesAWorkerThatDoesNotListen) {
  const Pid pid = add_one();
  auto waiting = remotecall(fn<wait_for_an_interrupt>, pid);
  EXPECT_TRUE(eventually([&] {  // it may not have begun yet
    interrupt({pid});
    return waiting.wait_for(100ms);
  }));
  EXPECT_TRUE(manager_->was_called(pid, "interrupt"));
  EXPECT_EQ(waiting.fetch(), 1) << "manage(interrupt) must send SIGINT";
}

TEST_P(ManagerContract, TellsWhyAWorkerEnded) {
  const Pid pid = add_one();
  const auto start = Clock::now();
  EXPECT_THROW(remotecall_fetch(fn<end_with>, pid, 7), ProcessExitedException);
  EXPECT_LT(Clock::now() - start, patience);
  EXPECT_TRUE(eventually([&] { return manager_->was_called(pid, "finalize"); }));
  const std::string cause = manager_->cause(pid);
  if (cause.empty() && !GetParam().knows_cause) GTEST_SKIP() << "exit_cause() does not know";
  EXPECT_TRUE(contains(cause, "7")) << "exit_cause() of a worker that exited with code 7 said '" << cause << "'";
}

TEST_P(ManagerContract, AWorkerThatIsKilledLeavesTheOthersAlone) {
  if (!has_count()) GTEST_SKIP() << "it has no option for the number of workers";
  make(2);
  const auto pids = add();
  ASSERT_EQ(pids.size(), 2u);
  EXPECT_THROW(remotecall_fetch(fn<die>, pids[0]), ProcessExitedException);
  EXPECT_EQ(workers(), std::vector<Pid>{pids[1]});
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[1]), pids[1]);
  EXPECT_TRUE(eventually([&] { return manager_->was_called(pids[0], "finalize"); }));
}

// ObservedManager calls kill() twice.
TEST_P(ManagerContract, AWorkerThatDoesNotLeaveIsKilled) {
  AddprocsOptions options;
  auto& timeouts = options.timeouts.emplace();
  timeouts.shutdown = timeouts.term = 200ms;
  const Worker worker = look_at(add_one(options));
  remote_do(fn<stop>, worker.pid);
  if (worker.visible) {
    EXPECT_TRUE(eventually([&] { return state_of(worker.ospid) == 'T'; }));
  }
  rmprocs(worker.pid);
  EXPECT_TRUE(eventually([&] { return !worker.is_seen_running(); }, leave_limit))
      << "process " << worker.ospid << " is still there";
}

TEST_P(ManagerContract, CallsForAWorkerThatIsForgottenDoNothing) {
  const Pid pid = add_one();
  rmprocs(pid);
  ASSERT_TRUE(eventually([&] { return manager_->was_called(pid, "finalize"); }));
  WorkerConfig config = manager_->config(pid);
  manager_->inner().kill(pid, config);
  manager_->inner().exit_cause(pid, config);
  manager_->inner().manage(pid, config, ManageOp::finalize);
}

TEST_P(ManagerContract, StrangersAreLeftAlone) {
  const auto pids = add();
  WorkerConfig stranger;
  stranger.ospid = ::getpid();
  manager_->inner().kill(1000, stranger);
  EXPECT_EQ(manager_->inner().exit_cause(1000, stranger), "");
  for (const auto op : {ManageOp::interrupt, ManageOp::deregister_worker, ManageOp::finalize})
    manager_->inner().manage(1000, stranger, op);
  for (const Pid pid : pids) EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_P(ManagerContract, NothingIsLeftOfWhatIsGone) {
  std::vector<Worker> seen;
  const auto round = [&] {
    make(1);
    const auto pids = add();
    for (const Pid pid : pids) seen.push_back(look_at(pid));
    rmprocs(pids);
    manager_.reset();
  };
  round();  // what is made once for the whole process
  EXPECT_TRUE(eventually([this] { return new_children().empty(); }, leave_limit));
  const std::size_t descriptors = entries("/proc/self/fd");
  for (int i = 0; i < 5; i++) round();
  EXPECT_TRUE(eventually([this] { return new_children().empty(); }, leave_limit))
      << "left behind: " << describe(new_children());
  EXPECT_TRUE(eventually([&] { return entries("/proc/self/fd") <= descriptors; }, leave_limit))
      << entries("/proc/self/fd") << " descriptors, " << descriptors << " before";
  for (const auto& worker : seen)
    EXPECT_TRUE(eventually([&] { return !worker.is_seen_running(); }, leave_limit))
        << "process " << worker.ospid << " is still there";
}

}  // namespace cohort::contract
