#include "node/master.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/system_info.hpp"
#include "config/cluster_text.hpp"
#include "membership/arrival.hpp"
#include "membership/ident_pattern.hpp"
#include "node/addprocs_call.hpp"
#include "node/answered.hpp"
#include "node/messages.hpp"
#include "node/open_launch_queue.hpp"
#include "plugin/loader.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/registry.hpp"

namespace cohort {
namespace {

constexpr Duration interrupt_limit = std::chrono::seconds(3);
constexpr Duration launcher_limit = std::chrono::seconds(3);  // for an answer about an additional worker
constexpr std::size_t longest_cause = 2000;                   // bytes
constexpr std::size_t longest_address = 1024;                 // bytes

}  // namespace

Master::Master(const Timeouts& timeouts) {
  node_ = std::make_unique<NodeImpl>(master_pid,
                                     NodeImpl::Settings{.cookie = random_cookie(), .timeouts = timeouts, .slots = 1});
  node_->blocking().start_first_thread();
  node_->set_role(this);
  MemberInfo self;
  self.pid = master_pid;
  node_->members().add(self);
  replicated_state_ = std::make_unique<ReplicatedState>(*node_);
  callbacks_ = std::make_unique<CallbackTable>(*node_);
}

Master::~Master() {
  remove_all();
  callbacks_.reset();
  delete node_.get();  // not reset(): what the loop still runs meanwhile goes through node_, which must not be null yet
  static_cast<void>(node_.release());
  output_.stop(never);  // as with any program: what was printed is there, however slowly it is read
}

// --- Adding. ---

std::shared_ptr<WorkerRecord> Master::make_record(const std::shared_ptr<AddprocsCall>& call,
                                                  std::shared_ptr<ClusterManager> manager,
                                                  const std::string& manager_name) {
  auto record = std::make_shared<WorkerRecord>();
  record->addprocs_call = call;
  record->manager = std::move(manager);
  record->manager_name = manager_name;
  detail::MutexLock lock(mutex_);
  record->pid = next_pid_++;
  records_[record->pid] = record;
  return record;
}

std::shared_ptr<WorkerRecord> Master::record_of(Pid pid) const {
  detail::MutexLock lock(mutex_);
  auto record = records_.find(pid);
  return record == records_.end() ? nullptr : record->second;
}

std::vector<std::shared_ptr<WorkerRecord>> Master::records_of(const std::shared_ptr<AddprocsCall>& call) const {
  std::vector<std::shared_ptr<WorkerRecord>> records;
  detail::MutexLock lock(mutex_);
  for (const auto& [pid, record] : records_) {
    if (record->addprocs_call.lock() == call) records.push_back(record);
  }
  return records;
}

// While there are no workers, and none can come by themselves.
bool Master::may_change_wiring() {
  detail::MutexLock lock(mutex_);
  std::erase_if(open_launch_queues_, [](const auto& queue) { return queue->manager() == nullptr; });
  return node_->members().pids().size() == 1 && open_launch_queues_.empty();
}

void Master::choose_wiring(const AddprocsOptions& options) {
  const bool no_workers = may_change_wiring();
  const Wiring now = no_workers ? Wiring{} : node_->wiring();
  Wiring wanted;
  if (options.topology)
    wanted.topology = Topology::parse(*options.topology);
  else
    wanted.topology = now.topology;
  wanted.lazy = wanted.topology.kind() == Topology::Kind::all_to_all && options.lazy.value_or(now.lazy);
  wanted.relay = options.unconnected ? *options.unconnected == Unconnected::relay : now.relay;
  if (!no_workers && wanted.topology != now.topology) {
    throw Error("Workers with Topology " + now.topology.text() + " already exist. Requested Topology " +
                wanted.topology.text() + " cannot be set.");
  }
  if (!no_workers && wanted.lazy != now.lazy)
    throw Error(fmt::format("Active workers with lazy={}. Cannot set lazy={}", now.lazy, wanted.lazy));
  if (!no_workers && wanted.relay != now.relay) {
    throw Error(fmt::format("Active workers with unconnected={}. Cannot set unconnected={}",
                            unconnected_text(now.relay), unconnected_text(wanted.relay)));
  }
  node_->configure(master_pid, options.timeouts.value_or(node_->timeouts()), wanted);
}

void Master::check_all_named(const std::vector<Pid>& pids) {
  if (node_->wiring().topology.kind() != Topology::Kind::custom) return;
  const auto members = node_->members().list();
  std::set<std::string> idents;
  for (const auto& member : members) {
    if (!member.ident.empty()) idents.insert(member.ident);
  }
  const std::set new_ones(pids.begin(), pids.end());
  for (const auto& member : members) {
    if (!new_ones.contains(member.pid)) continue;
    for (const auto& text : member.connect_idents) {
      const IdentPattern pattern(text);
      if (std::any_of(idents.begin(), idents.end(), [&](const auto& ident) { return pattern.matches(ident); }))
        continue;
      throw ConfigError(fmt::format(
          "connect_idents of worker {}: '{}' matches no worker; their idents are: {}", member.pid, excerpt(text),
          idents.empty() ? "none" : excerpt(fmt::format("{}", fmt::join(idents, ", ")), 2000)));
    }
  }
}

void Master::choose_transport(const TransportSpec& transport) {
  if (!transport_.plugin.empty() && !may_change_wiring()) return;
  node_->set_transport(load_transport(transport.plugin, transport.options_json));
  transport_ = transport;
}

std::vector<Pid> Master::addprocs(std::shared_ptr<ClusterManager> manager, const std::string& manager_name,
                                  const AddprocsOptions& options, const std::optional<TransportSpec>& transport) {
  CallbackTable::refuse_on_this_thread("add");
  detail::MutexLock one_at_a_time(changing_);
  AddprocsCall::throw_if_cancelled({options.deadline, options.stop_token});
  WorkerNames names;
  if (!options.ident.empty()) names.idents = IdentPattern(options.ident).names();
  check_connect_idents(options.connect_idents);
  names.connect_idents = options.connect_idents;
  std::optional<MinWorkers> min;
  if (options.min) min.emplace(*options.min);
  if (options.timeouts) detail::check_timeouts(*options.timeouts);
  if (options.threads && *options.threads < 1)
    throw ConfigError(fmt::format("threads: {} is too few, a worker has at least one", *options.threads));
  choose_wiring(options);
  choose_transport(transport.value_or(default_transport_));
  LaunchParams params;
  params.exename = options.exename.empty() ? own_program() : options.exename;
  if (params.exename.empty()) throw Error("which program this is cannot be found out, as /proc is not there");
  params.exeflags = {"--cohort-worker", "--cohort-build=" + build_text(), "--cohort-transport=" + transport_.plugin};
  if (transport_.options_json != "{}")
    params.exeflags.push_back("--cohort-transport-options=" + transport_.options_json);
  params.exeflags.insert(params.exeflags.end(), options.exeflags.begin(), options.exeflags.end());
  params.dir = options.dir;
  params.cookie = node_->cookie();
  params.transport_name = transport_.plugin;
  params.transport = &node_->transport();
  params.min = options.min;
  params.threads = options.threads;
  callbacks_->starting(manager_name, params);
  return std::make_shared<AddprocsCall>(*this, std::move(manager), manager_name, std::move(params), node_->timeouts(),
                                        std::move(names), std::move(min))
      ->run({options.deadline, options.stop_token});
}

std::shared_ptr<LaunchQueue> Master::keep_open(const std::shared_ptr<ClusterManager>& manager,
                                               const std::string& manager_name, const LaunchParams& params,
                                               const WorkerNames& names) {
  auto queue = std::make_shared<OpenLaunchQueue>(*this, manager, manager_name, params, names);
  detail::MutexLock lock(mutex_);
  return open_launch_queues_.emplace_back(std::move(queue));
}

bool Master::expects_workers() {
  detail::MutexLock lock(mutex_);
  return std::ranges::any_of(open_launch_queues_,
                             [](const auto& queue) { return queue->expects() && queue->manager() != nullptr; });
}

void Master::keep(const std::shared_ptr<ClusterManager>& manager) {
  detail::MutexLock lock(mutex_);
  const auto of_manager = [&](const auto& queue) { return queue->manager() == manager; };
  if (std::any_of(open_launch_queues_.begin(), open_launch_queues_.end(), of_manager))
    kept_managers_.push_back(manager);
}

void Master::add_arrived(std::shared_ptr<ClusterManager> manager, const std::string& manager_name, LaunchParams params,
                         WorkerNames names, std::vector<WorkerConfig> arrived) {
  detail::MutexLock one_at_a_time(changing_);
  std::make_shared<AddprocsCall>(*this, std::move(manager), manager_name, std::move(params), node_->timeouts(),
                                 std::move(names), std::nullopt, std::move(arrived))
      ->run();
}

void Master::announce_members(const std::vector<Pid>& pids) {
  auto added = node_->members().list();
  std::erase_if(added, [new_ones = std::set(pids.begin(), pids.end())](const auto& member) {
    return !new_ones.contains(member.pid);
  });
  if (added.empty()) return;
  tell_all({.epoch = node_->members().epoch(), .added = added, .removed = {}, .draining = {}, .used_again = {}});
  {
    detail::MutexLock lock(mutex_);
    for (const Pid pid : pids) {
      if (const auto record = records_.find(pid); record != records_.end()) record->second->announced.store(true);
    }
    list_again();
  }
  node_->membership_changed();
  for (const Pid pid : pids) callbacks_->started(pid);
}

void Master::tell_all(const MembersChange& change) {
  const Payload payload = to_payload(change);
  std::vector<std::shared_ptr<Answered>> answers;
  for (const auto& connection : node_->members().connections()) {
    auto answer = std::make_shared<Answered>();
    const auto id = connection->requests().add(answer);
    if (!id) continue;
    connection->send(FrameKind::members, 0, *id, payload, SendQueue::Mode::before_wait);
    answers.push_back(std::move(answer));
  }
  const auto deadline = deadline_after(node_->timeouts().connect);
  for (const auto& answer : answers) node_->reactor().wait(*answer, deadline);
}

void Master::on_dialled(const std::shared_ptr<Connection>& connection) {
  auto record = record_of(connection->peer());
  auto call = record == nullptr ? nullptr : record->addprocs_call.lock();
  if (call == nullptr) return connection->close("nobody waits for it any more");
  call->established(record, connection);
}

// --- Workers that come by themselves. ---

void Master::add_acceptor(const std::shared_ptr<ArrivedWorkers>& acceptor) {
  detail::MutexLock lock(mutex_);
  std::erase_if(acceptors_, [](const auto& other) { return other.expired(); });
  acceptors_.push_back(acceptor);
}

std::shared_ptr<ArrivedWorkers> Master::only_acceptor() {
  std::shared_ptr<ArrivedWorkers> only;
  detail::MutexLock lock(mutex_);
  for (const auto& each : acceptors_) {
    auto acceptor = each.lock();
    if (acceptor != nullptr && only != nullptr)
      throw Error("several managers let workers join here: say WorkerAcceptor::process_messages() of the one");
    if (acceptor != nullptr) only = std::move(acceptor);
  }
  if (only == nullptr) throw Error("no manager lets workers join here: none has a WorkerAcceptor");
  return only;
}

// It says by its first frame where it listens.
bool Master::on_accepted(const std::shared_ptr<Connection>& connection) {
  return connection->peer_identity().pid <= no_pid && connection->acceptor() != nullptr;
}

void Master::take_arrived(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const auto acceptor = connection->acceptor();
  connection->set_acceptor({});
  if (acceptor == nullptr) return connection->close("no manager lets workers join here any more");
  WorkerConfig config;
  if (const Pid pid = connection->peer_identity().pid; pid < no_pid) config.userdata = acceptor->mark_of_token(-pid);
  config.connect_at = from_frame<Arrive>(std::move(frame)).address;
  config.arrival = std::make_shared<detail::Arrival>(connection);
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (config.connect_at.size() > longest_address ||
      !std::all_of(config.connect_at.begin(), config.connect_at.end(), printable))
    throw BadMessage("an address that is not printable, or too long");
  node_->blocking().run([acceptor, config = std::move(config)]() mutable { acceptor->arrived(std::move(config)); });
}

bool Master::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  if (connection->peer() == no_pid) {
    if (frame.header.kind != FrameKind::arrive) return false;
    take_arrived(connection, std::move(frame));
    return true;
  }
  if (frame.header.kind == FrameKind::dial)
    relay_dial(connection, std::move(frame));
  else if (frame.header.kind == FrameKind::fate)
    tell_fate(connection, std::move(frame));
  else if (frame.header.kind == FrameKind::output)
    take_output(connection, std::move(frame));
  else if (frame.header.kind == FrameKind::drain && frame.header.flags == drain_wanted)
    drain_by_signal(connection, std::move(frame));
  else if (frame.header.kind == FrameKind::status)
    set_status(connection->peer(), {reinterpret_cast<const char*>(frame.body.data()), frame.body.size()});
  else
    return false;
  return true;
}

void Master::take_output(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const auto record = record_of(connection->peer());
  if (record == nullptr) return;
  if (!record->output) record->output = output_.forward_fed(record->pid);
  std::string piece(reinterpret_cast<const char*>(frame.body.data()), frame.body.size());
  output_.feed(*record->output, frame.header.flags == output_err, std::move(piece),
               [connection, request = frame.header.request] {
                 try {
                   connection->send(FrameKind::result, result_value, request, Payload{}, SendQueue::Mode::now);
                 } catch (const std::exception&) {  // there is no memory: the worker prints no more
                 }
               });
}

// A worker wants one with a higher id to connect to it.
void Master::relay_dial(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  struct Relay final : Request {
    std::shared_ptr<Connection> asker;
    std::uint64_t request;
    void answer(std::uint8_t flag, const Payload& payload) {
      asker->send(FrameKind::result, flag, request, payload, SendQueue::Mode::gather);
    }
    void on_result(Frame&& result) noexcept override {
      Payload payload;
      payload.body = std::move(result.body);
      answer(result.header.flags, payload);
    }
    void on_lost(const std::string& cause) noexcept override {
      answer(result_exception, encode_exception(std::make_exception_ptr(Error(cause)), master_pid));
    }
  };
  auto relay = std::make_shared<Relay>();
  relay->asker = connection;
  relay->request = frame.header.request;
  const auto dial = from_frame<Dial>(std::move(frame));
  auto dialler = node_->members().connection(dial.from);
  const auto id = dialler == nullptr ? std::nullopt : dialler->requests().add(relay);
  if (!id) return relay->on_lost("process " + std::to_string(dial.from) + " is gone");
  dialler->send(FrameKind::dial, 0, *id, to_payload(dial), SendQueue::Mode::gather_on_loop);
}

// --- The manager's functions. ---

void Master::report_manager_error(const WorkerRecord& record, const char* function) {
  log_warning(fmt::format("manager '{}', {}() for worker {}: {}", record.manager_name, function, record.pid,
                          message_of(std::current_exception())));
}

std::string Master::exit_cause(WorkerRecord& record) {
  if (record.launched_by != nullptr) return ask_launcher(record, false);
  std::string cause;
  with_manager(record, "exit_cause",
               [&](ClusterManager& manager, WorkerConfig& config) { cause = manager.exit_cause(record.pid, config); });
  return excerpt(cause, longest_cause, true);
}

void Master::kill(WorkerRecord& record) {
  if (record.launched_by != nullptr) {
    ask_launcher(record, true);
    return;
  }
  with_manager(record, "kill",
               [&](ClusterManager& manager, WorkerConfig& config) { manager.kill(record.pid, config); });
}

// The manager does not know the additional workers of a host, only their parent does.
std::string Master::ask_launcher(const WorkerRecord& record, bool terminate) {
  const Pid parent = record.launched_by->pid;
  const std::string with_parent = fmt::format("ended with process {}, which had launched it", parent);
  auto connection = node_->members().connection(parent);
  if (connection == nullptr) return with_parent;
  auto answer = std::make_shared<Answered>();
  const auto id = connection->requests().add(answer);
  if (!id) return with_parent;
  connection->send(FrameKind::reap_worker, 0, *id, to_payload(ReapWorker{record.pid, terminate}),
                   SendQueue::Mode::before_wait);
  const Timeouts limits = node_->timeouts();
  const Duration limit = terminate ? sum({limits.term, limits.kill, launcher_limit}) : launcher_limit;
  if (node_->reactor().wait(*answer, deadline_after(limit)) != WaitResult::done) return "";
  if (answer->lost || answer->refused) return with_parent;  // refused: it is leaving
  try {
    Frame frame;
    frame.body = std::move(answer->body);
    return from_frame<WorkerExit>(std::move(frame)).cause;
  } catch (const Error& error) {
    log_warning(error.what());
    return "";
  }
}

// --- Interrupting. ---

void Master::interrupt(const std::vector<Pid>& pids) {
  std::vector<std::pair<std::shared_ptr<WorkerRecord>, std::shared_ptr<Answered>>> asked;
  for (const Pid pid : pids) {
    auto record = record_of(pid);
    auto connection = node_->members().connection(pid);
    if (record == nullptr || connection == nullptr) continue;
    auto answer = std::make_shared<Answered>();
    const auto id = connection->requests().add(answer);
    if (!id) continue;
    connection->send(FrameKind::cancel, *id, {}, SendQueue::Mode::before_wait);
    asked.emplace_back(record, answer);
  }
  const auto deadline = deadline_after(interrupt_limit);
  std::vector<std::shared_ptr<Completion>> signalled;
  for (auto& [record, answer] : asked) {
    const bool answered = node_->reactor().wait(*answer, deadline) == WaitResult::done;
    if (answered && (answer->lost || answer->refused || answer->body.empty() || answer->body[0] == std::byte{0}))
      continue;
    auto done = signalled.emplace_back(std::make_shared<Completion>());
    node_->blocking().run([this, worker = record, done] {
      with_manager(*worker, "manage", [&](ClusterManager& manager, WorkerConfig& config) {
        manager.manage(worker->pid, config, ManageOp::interrupt);
      });
      node_->reactor().complete(done);
    });
  }
  for (const auto& done : signalled) node_->reactor().wait(*done, deadline);
}

// To be called whenever one of these conditions changes, under the same lock.
void Master::list_again() {
  auto pids = std::make_shared<std::vector<Pid>>(1, master_pid);
  for (const auto& [pid, record] : records_) {
    const bool leaves = record->removing.load() || record->draining.load();
    if (record->announced.load() && !leaves && !node_->members().is_gone(pid)) pids->push_back(pid);
  }
  listed_ = std::move(pids);
}

std::shared_ptr<const std::vector<Pid>> Master::listed() const {
  detail::MutexLock lock(mutex_);
  return listed_;
}

Pid Master::next_worker() {
  const auto pids = listed();
  return pids->size() == 1 ? master_pid : (*pids)[1 + turn_.fetch_add(1) % (pids->size() - 1)];
}

std::vector<Pid> Master::processes() { return *listed(); }

std::vector<Pid> Master::processes_beside(Pid pid) {
  auto pids = processes();
  check_is_there(pid);
  const auto host_of = [this, own = host_id()](Pid each) {
    const auto record = record_of(each);
    return record == nullptr ? own : record->host;
  };
  std::erase_if(pids, [&, host = host_of(pid)](Pid each) { return host_of(each) != host; });
  return pids;
}

void Master::check_is_there(Pid pid) {
  if (node_->members().is_gone(pid)) throw ProcessExitedException(pid, node_->members().cause_of_end(pid));
  const auto pids = processes();
  if (std::find(pids.begin(), pids.end(), pid) == pids.end())
    throw Error("no process with id " + std::to_string(pid) + " exists");
}

ProcessInfo Master::process_info(Pid pid) {
  const auto name_of = [](const std::string& host) { return host.substr(0, host.find('/')); };
  if (pid == master_pid) return {name_of(host_id()), getpid(), 1, ""};
  const auto record = record_of(pid);  // first: it may be gone after the check
  check_is_there(pid);
  if (record == nullptr) throw ProcessExitedException(pid, node_->members().cause_of_end(pid));
  return {name_of(record->host), record->ospid, record->threads, record->manager_name};
}

void Master::set_status(Pid pid, std::string_view text) {
  std::string shown = excerpt(text, longest_status, true);
  detail::MutexLock lock(mutex_);
  statuses_[pid] = std::move(shown);
}

std::string Master::status(Pid pid) const {
  detail::MutexLock lock(mutex_);
  if (pid < master_pid || pid >= next_pid_) throw Error("no process with id " + std::to_string(pid) + " exists");
  const auto found = statuses_.find(pid);
  return found == statuses_.end() ? "" : found->second;
}

std::vector<Pid> Master::workers() const {
  const auto pids = listed();
  return {pids->begin() + 1, pids->end()};
}

}  // namespace cohort
