#include <cohort/cluster.hpp>

#include <algorithm>
#include <thread>

#include <cohort/detail/checked.hpp>
#include <cohort/error.hpp>
#include <cohort/module.hpp>
#include <cohort/remotecall.hpp>
#include <cohort/this_call.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "membership/open_request.hpp"
#include "node/messages.hpp"
#include "node/session.hpp"
#include "remote/messages.hpp"

namespace cohort {
namespace {

void apply(const Logging& logging) {
  set_log_level(logging.level);
  OutputForwarder& output = current_master().output();
  output.set_mode(logging.forward);
  output.set_prefix(logging.prefix);
}

std::vector<Pid> add_checked(std::shared_ptr<ClusterManager> manager, const std::string& name,
                             const AddprocsOptions& options) {
  Master& master = current_master();
  auto pids = master.addprocs(std::move(manager), name, options, std::nullopt);
  master.check_all_named(pids);
  return pids;
}

// The "count" of a manager entry is the option of that name of its plugin.
std::string options_with_count(const ManagerSpec& spec) {
  if (!spec.count && !spec.count_auto) return spec.options_json;
  const std::string count = spec.count_auto ? "\"auto\"" : std::to_string(*spec.count);
  const auto rest = spec.options_json.find_first_not_of(" \t\r\n", spec.options_json.find('{') + 1);
  const bool empty = spec.options_json[rest] == '}';
  return "{\"count\": " + count + (empty ? "" : ", ") + spec.options_json.substr(rest);
}

}  // namespace

std::vector<Pid> addprocs(const AddprocsOptions& options) { return addprocs("local", {}, options); }

std::vector<Pid> addprocs(int count, const AddprocsOptions& options) {
  return addprocs("local", {{"count", count}}, options);
}

std::vector<Pid> addprocs(const std::string& manager, const OptionValues& manager_options,
                          const AddprocsOptions& options) {
  const std::shared_ptr<ClusterManager> loaded = load_manager(manager, manager_options);
  const auto pids = add_checked(loaded, manager, options);
  current_master().keep(loaded);
  return pids;
}

std::vector<Pid> addprocs(std::shared_ptr<ClusterManager> manager, const AddprocsOptions& options) {
  return add_checked(detail::checked(manager, "pointer to a ClusterManager"), "of the program", options);
}

std::vector<Pid> detail::add_cluster(const ClusterFile& file, const WaitOptions& wait) {
  Master& master = current_master();
  apply(file.logging);
  for (const auto& module : file.modules) load_module(module);
  AddprocsOptions options;
  options.topology = file.topology;
  options.lazy = file.lazy;
  options.unconnected = file.unconnected;
  options.timeouts = file.timeouts;
  options.deadline = wait.deadline;
  options.stop_token = wait.stop_token;
  std::vector<Pid> pids;
  const auto remove_again = [&] { master.rmprocs(pids, {.waitfor = master.time_to_end()}); };
  for (const auto& spec : file.managers) {
    options.min = spec.min;
    options.ident = spec.ident;
    options.connect_idents = spec.connect_idents;
    const std::shared_ptr<ClusterManager> manager = load_manager(spec.plugin, options_with_count(spec));
    try {
      const auto more = master.addprocs(manager, spec.id, options, file.transport);
      master.keep(manager);
      pids.insert(pids.end(), more.begin(), more.end());
    } catch (const CancelledException&) {
      remove_again();
      throw;
    } catch (const TimeoutError&) {
      remove_again();
      throw;
    }
  }
  master.check_all_named(pids);  // one manager's workers may name those of the next
  return pids;
}

void rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options) { current_master().rmprocs(pids, options); }
void rmprocs(Pid pid, const RmprocsOptions& options) { rmprocs(std::vector<Pid>{pid}, options); }

void interrupt(const std::vector<Pid>& pids) { current_master().interrupt(pids); }
void interrupt() { current_master().interrupt(current_master().workers()); }

Pid myid() { return CurrentNode::get().router->self(); }

std::vector<Pid> procs() {
  Router& router = *CurrentNode::get().router;
  refuse_without_cluster(router);
  return router.processes();
}

std::vector<Pid> procs(Pid pid) {
  if (Master* master = master_or_null()) return master->processes_beside(pid);
  return ask_master([](Pid asked) { return current_master().processes_beside(asked); }, pid);
}

ProcessInfo process_info(Pid pid) {
  if (Master* master = master_or_null()) return master->process_info(pid);
  return ask_master([](Pid asked) { return current_master().process_info(asked); }, pid);
}

std::vector<Pid> workers() {
  auto pids = procs();
  if (pids.size() > 1) std::erase(pids, master_pid);
  return pids;
}

int nprocs() { return static_cast<int>(procs().size()); }
int nworkers() { return static_cast<int>(workers().size()); }
bool is_worker_process() { return master_or_null() == nullptr && CurrentNode::get().router != nullptr; }

std::string cluster_cookie() { return current_node().cookie(); }

std::string cluster_cookie(const std::string& cookie) {
  Master& master = current_master();
  check_cookie(cookie, "the cookie");
  if (master.workers().size() > 0) throw Error("the cookie cannot change while there are workers");
  master.node().set_cookie(cookie);
  return cookie;
}

Duration ping(Pid pid, Duration timeout) {
  struct Ping final : Request {
    bool lost = false;
    std::string cause;
    void on_result(Frame&&) noexcept override {}
    void on_lost(const std::string& reason) noexcept override {
      lost = true;
      cause = reason;
    }
  };
  refuse_shorter(timeout, Duration::zero(), "the timeout of a ping");
  const auto start = Clock::now();
  NodeImpl& node = current_node();
  if (pid == node.self()) return Clock::now() - start;
  auto connection = node.connection_to(pid);
  auto request = std::make_shared<Ping>();
  const auto id = connection->requests().add(request);
  if (!id) throw ProcessExitedException(pid, connection->requests().cause());
  connection->send(FrameKind::ping, *id, {}, SendQueue::Mode::ahead);
  // A wait with a deadline does not drive the loop, so first see whether the answer is there at once.
  if (!wait_interruptibly(node.reactor(), *request, deadline_after(timeout))) {
    throw TimeoutError("process " + std::to_string(pid) + " did not answer a ping in time");
  }
  if (request->lost) throw ProcessExitedException(pid, request->cause);
  return Clock::now() - start;
}

ReferenceTable refs(Pid pid) {
  struct Question final : Request {
    Frame answer{};
    std::optional<std::string> lost;
    void on_result(Frame&& frame) noexcept override { answer = std::move(frame); }
    void on_lost(const std::string& cause) noexcept override { lost = cause; }
  };
  NodeImpl& node = current_node();
  if (pid == node.self()) return node.references().table();
  auto connection = node.connection_to(pid);
  auto question = std::make_shared<Question>();
  OpenRequest open(*connection, question);
  connection->send(FrameKind::references, references_table, open.id(), Payload{}, SendQueue::Mode::before_wait);
  open.sent();
  wait_interruptibly(node.reactor(), *question);
  if (question->lost) throw ProcessExitedException(pid, *question->lost);
  return from_frame<ReferenceTable>(std::move(question->answer));
}

std::size_t reference_count(Pid pid) { return refs(pid).entries.size(); }

Pid ThisCall::caller() const {
  const CallContext* context = CallContext::current();
  return context == nullptr ? myid() : context->caller;
}

namespace detail {

Pid next_worker() {
  if (Master* master = master_or_null()) return master->next_worker();
  static std::atomic<unsigned> turn{0};
  const auto pids = workers();
  return pids[turn.fetch_add(1) % pids.size()];
}

}  // namespace detail
}  // namespace cohort
