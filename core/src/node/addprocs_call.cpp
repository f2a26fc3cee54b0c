#include "node/addprocs_call.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "base/system_info.hpp"
#include "membership/arrival.hpp"
#include "node/callback_request.hpp"
#include "node/messages.hpp"

namespace cohort {
namespace {

constexpr Duration stop_limit = std::chrono::seconds(1);    // for a launch() that was told to stop
constexpr Duration manage_limit = std::chrono::seconds(3);  // for manage(), after the time of the launch

bool is_over(const WaitOptions& options) {
  return options.stop_token.stop_requested() || Clock::now() >= options.deadline.at();
}

}  // namespace

void take_address(WorkerConfig& config, std::string host, int port) {
  if (port == 0) {
    config.connect_at = std::move(host);
    return;
  }
  if (config.host.empty()) config.host = std::move(host);
  config.port = port;
}

AddprocsCall::AddprocsCall(Master& master, std::shared_ptr<ClusterManager> manager, std::string manager_name,
                           LaunchParams params, Timeouts timeouts, WorkerNames names, std::optional<MinWorkers> min,
                           std::vector<WorkerConfig> arrived)
    : master_(master),
      manager_(std::move(manager)),
      manager_name_(std::move(manager_name)),
      params_(std::move(params)),
      timeouts_(timeouts),
      names_(std::move(names)),
      min_(std::move(min)),
      arrived_(std::move(arrived)),
      deadline_(deadline_after(timeouts.launch)) {
  params_.timeout = timeouts_.launch;
  params_.term = timeouts_.term;
  params_.kill = timeouts_.kill;
  params_.stop = stop_.get_token();
}

AddprocsCall::~AddprocsCall() {
  if (Reactor::on_any_loop()) guard_loop([this] { master_.node().release_off_loop(std::move(manager_)); });
}

void AddprocsCall::throw_if_cancelled(const WaitOptions& options) {
  if (options.stop_token.stop_requested()) throw CancelledException("the launch was cancelled");
  if (is_over(options)) throw TimeoutError("the workers were not all up at the deadline of addprocs");
}

std::vector<Pid> AddprocsCall::run(const WaitOptions& options) {
  master_.node().blocking().run([self = shared_from_this()] { self->launch(); });
  {
    // Wakes this thread, which does the rest: what a stop callback throws ends the program.
    const std::stop_callback wake(options.stop_token, [this] {
      master_.node().reactor().complete(finished_);
      master_.node().reactor().complete(settled_);
    });
    wait_for_end(options);
  }
  AddprocsResult result;
  bool stopped;
  {
    detail::MutexLock lock(mutex_);
    over_ = true;
    stopped = stopped_;
    result = std::exchange(result_, {});  // the caller alone holds its exceptions, and destroys them
  }
  if (stopped) throw_if_cancelled(options);
  std::sort(result.added.begin(), result.added.end());
  std::sort(result.not_launched.begin(), result.not_launched.end());
  throw_if_too_few(result);
  return result.added;
}

// A set-up ends by the deadlines of its steps. launch() and manage() may not end at all.
void AddprocsCall::wait_for_end(const WaitOptions& options) {
  Reactor& reactor = master_.node().reactor();
  const Clock::time_point end = options.deadline.at();
  Clock::time_point until;
  do {
    until = end_of_launch();
    if (reactor.wait(*finished_, std::min(until, end)) == WaitResult::done) {
      if (options.stop_token.stop_requested()) end_all();
      return;
    }
  } while (until < std::min(end_of_launch(), end));
  if (is_over(options)) return end_all();
  bool settled, launching;
  {
    detail::MutexLock lock(mutex_);
    given_up_ = true;
    settled = open_ == 0;
    launching = launching_;
  }
  stop_.request_stop();
  if (settled) reactor.complete(settled_);
  reactor.post([self = shared_from_this()] { self->join_those_ready(); });
  const auto steps = sum({timeouts_.connect, timeouts_.handshake, timeouts_.connect, master_.time_to_end()});
  const auto end_of_steps = deadline_after(steps);
  bool ended = reactor.wait(*settled_, std::min(deadline_after(manage_limit), end)) == WaitResult::done;
  if (!ended && !only_manage_runs()) ended = reactor.wait(*settled_, std::min(end_of_steps, end)) == WaitResult::done;
  if (is_over(options)) return end_all();
  const bool returned = reactor.wait(*finished_, deadline_after(stop_limit)) == WaitResult::done;
  if (!ended && !returned) {
    const std::string running = master_.manager_calls().text();
    return keep_error(std::make_exception_ptr(LaunchError(
        fmt::format("workers of manager '{}' were not all up within {}, nor ended after that{}", manager_name_,
                    in_seconds(timeouts_.launch), running.empty() ? "" : ". Not returned: " + running))));
  }
  detail::MutexLock lock(mutex_);
  const bool told = returned && (!result_.errors.empty() || !result_.not_launched.empty());  // by the manager itself
  if (!launching || told) return;
  result_.unfinished = fmt::format(
      "launch() of manager '{}' did not return within {} and was {}{}. timeouts.launch says how long it may take",
      manager_name_, in_seconds(timeouts_.launch), returned ? "stopped" : "given up",
      min_ ? "" : "; workers that are up stay");
}

Clock::time_point AddprocsCall::end_of_launch() {
  detail::MutexLock lock(mutex_);
  return extended_;
}

// The caller wants none of the workers any more. What does not end in time ends late: push() sees to it.
void AddprocsCall::end_all() {
  {
    detail::MutexLock lock(mutex_);
    given_up_ = stopped_ = true;
  }
  stop_.request_stop();
  Reactor& reactor = master_.node().reactor();
  // Waited for: what runs later would run beside the end of the master.
  std::vector<Pid> joined;
  master_.node().on_loop([&] {
    for (const auto& record : master_.records_of(shared_from_this())) {
      if (record->joined.load())
        joined.push_back(record->pid);
      else
        fail(record, Step::announce, Process::still_runs, "Its launch was stopped.");
    }
  });
  if (!joined.empty()) master_.node().blocking().run([self = shared_from_this(), joined] { self->remove(joined); });
  reactor.wait(*returned_, deadline_after(stop_limit));  // it may hand over some more until then
  bool empty;
  {
    detail::MutexLock lock(mutex_);
    emptying_ = true;
    empty = open_ == 0;
  }
  if (!empty && reactor.wait(*emptied_, deadline_after(master_.time_to_end())) != WaitResult::done) return;
  std::vector<Pid> left;
  for (const auto& record : master_.records_of(shared_from_this())) left.push_back(record->pid);
  remove(left);  // and waits for those that are being removed
}

void AddprocsCall::count_managed(int change) {
  detail::MutexLock lock(mutex_);
  managed_ += change;
}

bool AddprocsCall::only_manage_runs() {
  detail::MutexLock lock(mutex_);
  return managed_ == open_;
}

void AddprocsCall::launch() {
  if (!arrived_.empty()) {
    for (auto& worker : arrived_) push(std::move(worker));
    return launch_ended();
  }
  const std::string what = "manager '" + manager_name_ + "' could not launch its workers";
  try {
    ManagerCalls::Running running(master_.manager_calls(), manager_name_, "launch");
    manager_->launch(params_, *this);
  } catch (const ConfigError&) {
    keep_error(std::current_exception());
  } catch (const PluginError&) {
    keep_error(std::current_exception());
  } catch (...) {
    keep_error(std::make_exception_ptr(LaunchError(what + ": " + message_of(std::current_exception()))));
  }
  launch_ended();
}

// Idents are given in the order of the ids.
AddprocsCall::Record AddprocsCall::make_record() {
  detail::MutexLock lock(mutex_);
  auto record = master_.make_record(shared_from_this(), manager_, manager_name_);
  const std::size_t index = names_.idents.size() == 1 ? 0 : names_.used->fetch_add(1);
  if (index < names_.idents.size()) record->config.ident = names_.idents[index];
  record->config.connect_idents = names_.connect_idents;
  return record;
}

void AddprocsCall::push(WorkerConfig config) {
  auto record = make_record();
  if (config.ident.empty()) config.ident = record->config.ident;
  if (config.connect_idents.empty()) config.connect_idents = record->config.connect_idents;
  if (params_.threads) config.threads = *params_.threads;
  record->config = std::move(config);
  bool too_late, stopped;
  {
    detail::MutexLock lock(mutex_);
    open_++;
    connecting_++;
    too_late = given_up_;
    stopped = stopped_;
  }
  const std::string problem = too_late ? "It came too late." : problem_of(record->config);
  if (problem.empty()) {
    try {
      return begin(record);
    } catch (...) {  // no thread reads what it prints
      return fail(record, Step::announce, Process::still_runs, message_of(std::current_exception()));
    }
  }
  // One that comes too late would join unheard of by the others.
  if (too_late && !stopped) {
    log_warning("manager '" + manager_name_ +
                "' handed over a worker after its launch was given up: the worker is ended");
  }
  if (record->config.io) {
    FileDescriptor(record->config.io->out).reset();
    FileDescriptor(record->config.io->err).reset();
  }
  fail(record, Step::announce, Process::still_runs, problem);
}

void AddprocsCall::extend(Clock::time_point deadline) {
  detail::MutexLock lock(mutex_);
  extended_ = std::max(extended_, deadline);
}

std::shared_ptr<LaunchQueue> AddprocsCall::keep_open() {
  return master_.keep_open(manager_, manager_name_, params_, names_);
}

// The worker made the connection, and is authenticated already.
void AddprocsCall::take_arrived(const Record& record) {
  auto connection = std::exchange(record->config.arrival, nullptr)->take();
  if (connection == nullptr) throw Error("The same worker was handed over before.");
  master_.node().reactor().post([self = shared_from_this(), record, connection = std::move(connection)] {
    connection->set_peer(record->pid);
    if (connection->closed())
      self->fail(record, Step::handshake, Process::may_have_ended, "It left.");
    else
      self->established(record, connection);
  });
}

void AddprocsCall::begin(const Record& record) {
  if (record->config.arrival != nullptr) return take_arrived(record);
  if (!record->config.io) return dial(record);
  auto self = shared_from_this();
  const auto id = master_.output().new_id();
  record->output = id;  // before the callbacks, which use it
  master_.output().watch(
      id, *record->config.io, end_of_launch(),
      [self, record](std::string host, int port) {
        take_address(record->config, std::move(host), port);
        self->dial(record);
      },
      // Where the core gives a launch command up, it ends by that: its end is no cause.
      [self, record](StartupFailure why, const std::string& message) {
        self->fail(record, Step::announce, why == StartupFailure::ended ? Process::may_have_ended : Process::still_runs,
                   message);
      });
  master_.output().set_pid(id, record->pid);
}

void AddprocsCall::dial(const Record& record) {
  master_.node().blocking().run([self = shared_from_this(), record] {
    NodeImpl& node = self->master_.node();
    try {
      detail::MutexLock one_at_a_time(record->managing);
      ManagerCalls::Running running(self->master_.manager_calls(), record->manager_name, "connect");
      IoPair pair = record->manager->connect(record->pid, record->config, node.transport(),
                                             deadline_after(self->timeouts_.connect));
      node.add_connection(std::move(pair), record->pid);
    } catch (...) {
      self->fail(record, Step::connect, Process::may_have_ended, message_of(std::current_exception()));
    }
  });
}

// Loop thread.
void AddprocsCall::established(const Record& record, const std::shared_ptr<Connection>& connection) {
  record->connection = connection;
  {
    detail::MutexLock lock(mutex_);
    if (failed_.contains(record->pid)) return connection->close("its set-up failed");
    established_.insert(record->pid);
    connecting_--;
    ready_.push_back(record);
  }
  join_those_ready();
}

// Loop thread. Workers that connect to each other as they join must all be listening first.
void AddprocsCall::join_those_ready() {
  std::vector<Record> ready;
  {
    detail::MutexLock lock(mutex_);
    const Wiring wiring = master_.node().wiring();
    const bool wait_for_all = !wiring.lazy && wiring.topology.kind() != Topology::Kind::master_worker;
    if (wait_for_all && connecting_ > 0 && !given_up_) return;
    ready = std::exchange(ready_, {});
  }
  std::sort(ready.begin(), ready.end(), [](const Record& a, const Record& b) { return a->pid < b->pid; });
  std::erase_if(ready, [this](const Record& record) { return !give_place(record); });
  for (const auto& record : ready) send_join(record);
}

// Makes it a member, before any of them is told about the others. @return false: it fails.
bool AddprocsCall::give_place(const Record& record) {
  Members& members = master_.node().members();
  const Topology topology = master_.node().wiring().topology;
  const WorkerConfig& config = record->config;
  const MemberInfo member{record->pid, config.connect_at, members.free_place(), config.ident, config.connect_idents};
  try {
    if (member.place >= topology.capacity())
      throw Error(fmt::format("Topology {} has room for {} only.", topology.text(), topology.capacity()));
    if (member.ident.empty() && names_.idents.size() > 1)
      throw Error(fmt::format("There are idents for {} workers only.", names_.idents.size()));
    check_connect_idents(member.connect_idents);
  } catch (const std::exception& error) {
    fail(record, Step::place, Process::still_runs, error.what());
    return false;
  }
  members.add(member);
  return true;
}

void AddprocsCall::send_join(const Record& record) {
  NodeImpl& node = master_.node();
  if (!node.members().bind(record->pid, record->connection))
    return fail(record, Step::join, Process::may_have_ended, "It left.");
  Join join;
  join.pid = record->pid;
  join.epoch = node.members().epoch();
  const Wiring wiring = node.wiring();
  join.topology = wiring.topology.text();
  join.lazy = wiring.lazy;
  join.relay = wiring.relay;
  join.slots = record->config.threads;
  join.timeouts = node.timeouts();
  join.ids = master_.ids_given();  // before the list: who becomes a member meanwhile is in one of them
  join.members = node.members().list();
  join.master_ospid = getpid();
  join.master_host = process_space();
  const bool is_brought = record->config.io.has_value() || record->launched_by != nullptr;
  join.send_output = !is_brought && master_.output().mode() != ForwardMode::none;
  if (!wiring.lazy) {
    for (const Pid pid : wiring.topology.neighbours(record->pid, join.members)) {
      if (pid < record->pid) join.dial.push_back(pid);
    }
  }
  auto self = shared_from_this();
  auto request = std::make_shared<CallbackRequest>(
      node.reactor(), [self, record](Frame&& answer) { self->joined(record, std::move(answer)); },
      [self, record](const std::string& cause) { self->fail(record, Step::join, Process::may_have_ended, cause); });
  const auto id = record->connection->requests().add(request);
  if (!id) return fail(record, Step::join, Process::may_have_ended, "The connection ended.");
  request->start_deadline(timeouts_.connect, "worker did not connect within " + in_seconds(timeouts_.connect));
  record->connection->send(FrameKind::join, 0, *id, to_payload(join), SendQueue::Mode::gather_on_loop);
}

// Loop thread.
void AddprocsCall::joined(const Record& record, Frame&& answer) {
  Joined joined;
  try {
    joined = from_frame<Joined>(std::move(answer));
  } catch (const std::exception& error) {
    return fail(record, Step::join, Process::may_have_ended,
                std::string("Its answer is not understood: ") + error.what());
  }
  {
    detail::MutexLock lock(mutex_);
    if (failed_.contains(record->pid)) return;  // its launch was stopped
  }
  if (record->config.ospid == 0) record->config.ospid = joined.ospid;
  if (record->config.count_auto) record->config.count = joined.cpu_threads;
  record->host = std::move(joined.host);
  record->ospid = record->config.ospid;
  record->threads = record->config.threads;
  record->joined.store(true);
  master_.node().blocking().run([self = shared_from_this(), record] {
    self->count_managed(+1);
    self->master_.with_manager(*record, "manage", [&](ClusterManager& manager, WorkerConfig& config) {
      manager.manage(record->pid, config, ManageOp::register_worker);
    });
    self->count_managed(-1);
    self->replicate_state(record);
    self->worker_ended();
  });
}

// A blocking thread. The worker is not to be seen by anybody before it has what every process is to have.
void AddprocsCall::replicate_state(const Record& record) {
  try {
    const auto connect = deadline_after(timeouts_.connect);
    master_.replicated_state().admit(record->pid, std::max(deadline_, connect));
    detail::MutexLock lock(mutex_);
    if (over_ || stopped_) throw Error("its launch was given up");
    result_.added.push_back(record->pid);
  } catch (const std::exception& error) {
    keep_failure(std::make_exception_ptr(LaunchError(
                     fmt::format("worker {} of manager '{}' could not take the modules and values of the cluster: {}",
                                 record->pid, record->manager_name, error.what()))),
                 record->config.count);
    return master_.rmprocs({record->pid}, {.waitfor = Duration::zero()});
  }
  if (record->config.count > 1) launch_more(record);
}

void AddprocsCall::launch_ended() {
  bool finished;
  {
    detail::MutexLock lock(mutex_);
    connecting_--;
    launching_ = false;
    finished = open_ == 0;
  }
  master_.node().reactor().post([self = shared_from_this()] { self->join_those_ready(); });
  if (finished) master_.node().reactor().complete(finished_);
  master_.node().reactor().complete(returned_);
}

void AddprocsCall::worker_ended() {
  bool finished, settled, emptied;
  {
    detail::MutexLock lock(mutex_);
    if (--open_ > 0) return;
    finished = !launching_;
    settled = given_up_;
    emptied = emptying_;
  }
  if (finished) master_.node().reactor().complete(finished_);
  if (settled) master_.node().reactor().complete(settled_);
  if (emptied) master_.node().reactor().complete(emptied_);
}

}  // namespace cohort
