#include <cohort/session.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/detail/tool.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/join_file.hpp>
#include <cohort/launched.hpp>
#include <cohort/wait_options.hpp>
#include <cohort/worker.hpp>

#include "base/forked_child.hpp"
#include "base/log.hpp"
#include "base/process_settings.hpp"
#include "base/secret.hpp"
#include "config/cluster_text.hpp"
#include "config/handover.hpp"
#include "config/units.hpp"
#include "io/announcement.hpp"
#include "node/dial_command.hpp"
#include "node/launched_worker.hpp"
#include "node/session.hpp"
#include "remote/registry.hpp"

namespace cohort {
namespace {

std::atomic<Master*> the_master{nullptr};
std::atomic<Worker*> the_worker{nullptr};
std::atomic<bool> has_session{false};
int (*translate_exit_status)(int status) = [](int status) { return status; };  // of the thread that makes the Session

// The flags that are ours, taken out of the program's arguments: "--cohort-name=value" or "--cohort-name".
class OwnArguments {
 public:
  OwnArguments(int& argc, char** argv) {
    int kept = 1;
    for (int i = 1; i < argc; i++) {
      if (std::strncmp(argv[i], "--cohort-", 9) == 0)
        flags_.emplace_back(argv[i] + 9);
      else
        argv[kept++] = argv[i];
    }
    if (kept < argc) {
      argc = kept;
      argv[argc] = nullptr;
    }
  }
  bool has(const std::string& name) { return take(name).has_value(); }
  /// The last one counts: what a manager adds comes behind what the cluster says.
  std::optional<std::string> value(const std::string& name) {
    std::optional<std::string> last;
    while (auto next = take(name + "=")) last = std::move(next);
    return last;
  }
  std::vector<std::string> values(const std::string& name) {
    std::vector<std::string> all;
    while (auto next = take(name + "=")) all.push_back(std::move(*next));
    return all;
  }
  void refuse_rest() const {
    if (!flags_.empty()) {
      throw ConfigError("unknown flag --cohort-" + excerpt(flags_.front()) +
                        "; there are: --cohort-procs=N|auto, --cohort-cluster=FILE, --cohort-launched, "
                        "--cohort-load=MODULE.so, --cohort-topology=T, "
                        "--cohort-lazy, --cohort-no-lazy, --cohort-transport=NAME, --cohort-transport-options=JSON");
    }
  }

 private:
  std::optional<std::string> take(const std::string& start) {
    for (auto flag = flags_.begin(); flag != flags_.end(); ++flag) {
      const bool exact = !start.ends_with('=');
      if (exact ? *flag != start : !flag->starts_with(start)) continue;
      std::string rest = flag->substr(start.size());
      flags_.erase(flag);
      return rest;
    }
    return std::nullopt;
  }
  std::vector<std::string> flags_;
};

// Standard input until it is enough, or to its end. It is closed then: the secret must not reach what this process
// starts.
template <class IsEnough>
std::string read_input(Duration limit, const std::string& what, IsEnough is_enough) {
  const auto deadline = deadline_after(limit);
  std::string text;
  while (!is_enough(text)) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&input, 1, poll_timeout(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) throw Error("no " + what + " came by standard input");
    const std::size_t before = text.size();
    text.resize(before + longest_cookie + 1);
    const ssize_t n = read(STDIN_FILENO, text.data() + before, text.size() - before);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 && text.empty()) throw Error("no " + what + " came by standard input");
    if (n <= 0) break;
  }
  const FileDescriptor nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(nothing.get(), STDIN_FILENO);
  return text;
}

// The first line of standard input.
std::string read_cookie(Duration limit) {
  const std::string text = read_input(limit, "cookie", [](const std::string& so_far) {
    return so_far.size() > longest_cookie || so_far.find('\n') != std::string::npos;
  });
  std::string line = text.substr(0, text.find('\n'));
  check_cookie(line, "the cookie on standard input");
  return line;
}

// All of standard input, which nobody else may read.
JoinFile read_join_file(Duration limit) {
  constexpr std::size_t longest = 1 << 20;
  const std::string name = "standard input";
  if (const std::string problem = why_not_private(STDIN_FILENO, name); !problem.empty())
    throw ConfigError(problem + ". In it is the secret of the cluster");
  return JoinFile::parse(
      read_input(limit, "join file", [](const std::string& so_far) { return so_far.size() > longest; }), name);
}

// For a worker what it must use, for a master what its clusters use unless they say otherwise.
TransportSpec transport_of(OwnArguments& own) {
  TransportSpec transport;
  if (auto plugin = own.value("transport")) transport.plugin = std::move(*plugin);
  if (auto options = own.value("transport-options")) transport.options_json = std::move(*options);
  return transport;
}

// What Distributed's workers understand by JULIA_WORKER_TIMEOUT: a plain number of seconds.
Duration master_timeout() {
  const char* variable = std::getenv("COHORT_WORKER_TIMEOUT");
  if (variable == nullptr) return Worker::Settings().master_timeout;
  const std::string_view text = variable;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds > 0) || std::isinf(seconds))
    throw ConfigError("COHORT_WORKER_TIMEOUT: expected a number of seconds, like 60 or 0.5, found '" + excerpt(text) +
                      "'");
  return detail::nanoseconds_of(std::chrono::duration<double>(seconds));
}

// A stale copy of the program is found before it listens, by whoever launches it. The handshake would find it later.
void leave_unless_build(const std::string& build_of_master) {
  if (build_of_master == build_text()) return;
  log_error("the worker cannot start: it is build " + build_text() + ", its master is build " + build_of_master +
            ": both must run the same files");
  std::fflush(nullptr);
  _exit(other_build_exit_code);
}

// Standard output, at once: the master waits for it.
void announce(const std::string& address) {
  std::printf("%s\n", announcement_of(address).c_str());
  std::fflush(stdout);
}

// Connects to the master instead of being connected to; from then on all is the same.
void join_master(Worker& worker, const std::vector<std::string>& addresses, Clock::time_point deadline) {
  try {
    worker.join(addresses, deadline);
  } catch (const std::exception& error) {
    throw Error("cannot join the master" + (addresses.size() == 1 ? " at " + excerpt(addresses.front()) : "") + ": " +
                error.what() + ". Does it still run, and is the join file its own?");
  }
}

// The token of the worker with that number in its job.
JoinToken token_of(const JoinFile& file, const std::optional<std::string>& number) {
  std::size_t index = 0;
  const std::string text = number.value_or("0");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size())
    throw ConfigError("--cohort-worker-number: expected a number from 0, found '" + excerpt(text) + "'");
  if (index >= file.tokens.size())
    throw ConfigError("this is worker number " + text + " of its job, and the join file is for " +
                      std::to_string(file.tokens.size()) + " workers: the job started more than it was to start");
  return file.tokens[index];
}

Worker& make_worker(Worker::Settings settings) {
  auto* worker = new Worker(std::move(settings));  // destroyed by serve(), if no function runs
  the_worker = worker;
  CurrentNode::set_for_process(worker->node().current());
  return *worker;
}

[[noreturn]] void serve_as_worker(int argc, char** argv, OwnArguments& own) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // what is printed is seen at once, also before a crash
  try {
    const auto build = own.value("build");
    auto addresses = own.values("join");
    const bool joins = !addresses.empty();
    const auto number = own.value("worker-number");  // within a job of several workers
    const auto tunnel = own.value("tunnel");         // a command, from whoever started this process
    const bool from_join_file =
        joins && addresses.front() == "-";  // of a manager that starts workers, and not of somebody's hand
    const TransportSpec transport = transport_of(own);
    Worker::Settings settings;
    settings.master_timeout = master_timeout();
    settings.by_hand = joins && !from_join_file;
    if (build && !joins) leave_unless_build(*build);  // one that joins is told, and so is its master
    for (int i = 1; i < argc; i++) {
      if (std::strncmp(argv[i], "--bind-to=", 10) == 0) settings.bind_to = argv[i] + 10;
    }
    if (from_join_file) {
      JoinFile file = read_join_file(settings.master_timeout);
      addresses = {file.address};
      addresses.insert(addresses.end(), file.other_addresses.begin(), file.other_addresses.end());
      settings.drains_by_signals = true;
      if (!file.tokens.empty()) settings.token = token_of(file, number);
      settings.transport_key = file.transport_key;
      settings.cookie = std::move(file.cookie);
    } else {
      settings.cookie = read_cookie(settings.master_timeout);
    }
    settings.transport = load_transport(transport.plugin, transport.options_json);
    const auto deadline = deadline_after(settings.master_timeout);
    Worker& worker = make_worker(std::move(settings));
    if (joins && tunnel)
      worker.join(connect_by_command(*tunnel));
    else if (joins)
      join_master(worker, addresses, deadline);
    else
      announce(worker.address());
    std::exit(serve());
  } catch (const std::exception& error) {
    log_error(std::string("the worker cannot start: ") + error.what());
    _exit(1);
  }
}

// One of the processes that somebody else has started of this program; not that of rank 0.
[[noreturn]] void serve_as_launched(const LaunchedProcess& process, const ClusterFile& cluster) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    LaunchedWorker launched = meet_rank_0(process, cluster);
    make_worker(std::move(launched.settings)).join(std::move(launched.master));
    std::exit(serve());
  } catch (const std::exception& error) {
    log_error(std::string("cannot join as a worker: ") + error.what());
    std::fflush(nullptr);
    _exit(20);
  }
}

// @throws ConfigError if it must have been launched by others, and was not.
std::optional<LaunchedProcess> launched_by_others(const ClusterFile& cluster) {
  if (launched_part(cluster) == nullptr) return std::nullopt;
  if (auto process = launched_process()) return process;
  throw ConfigError(
      "this program is to be one of several processes that srun or mpiexec has started, but nothing in its environment "
      "says that (SLURM_PROCID, OMPI_COMM_WORLD_RANK, PMI_RANK). Start it so: srun -n 9 cohort run --launched PROGRAM");
}

// What `cohort run` or the flags ask for.
// @param launched the program wants to be a cluster with its siblings, where it has some.
std::optional<ClusterFile> wanted_cluster(OwnArguments& own, bool launched) {
  std::optional<ClusterFile> file;
  if (const auto text = take_handover()) file = ClusterFile::parse(*text, "cohort run");
  if (const auto path = own.value("cluster")) file = ClusterFile::load(*path);
  if (const auto procs = own.value("procs")) {
    if (!file) file.emplace();
    const auto number = detail::parse_worker_count("--cohort-procs", *procs);
    const std::string count = number ? std::to_string(*number) : "\"auto\"";
    const auto local = ClusterFile::parse(
        R"({"version": 1, "managers": [{"plugin": "local", "count": )" + count + "}]}", "--cohort-procs");
    file->managers.insert(file->managers.end(), local.managers.begin(), local.managers.end());
  }
  const auto process = launched ? launched_process() : std::nullopt;
  if (own.has("launched") || (process && process->size > 1)) {
    if (!file) file.emplace();
    if (launched_part(*file) == nullptr) {
      const auto others =
          ClusterFile::parse(R"({"version": 1, "managers": [{"plugin": "launched"}]})", "--cohort-launched");
      file->managers.insert(file->managers.begin(), others.managers.begin(), others.managers.end());
    }
  }
  while (const auto module = own.value("load")) {
    if (!file) file.emplace();
    file->modules.push_back(*module);
  }
  const auto topology = own.value("topology");
  const bool lazy = own.has("lazy"), not_lazy = own.has("no-lazy");
  own.refuse_rest();
  if (!file && (topology || lazy || not_lazy))
    throw ConfigError(
        "--cohort-topology, --cohort-lazy and --cohort-no-lazy are about the workers of --cohort-procs or "
        "--cohort-cluster, and there is none of these; for addprocs() see AddprocsOptions");
  if (file) {
    if (topology) file->topology = *topology;
    if (lazy || not_lazy) {
      file->lazy = lazy;
      if (const std::string why = detail::why_lazy_has_no_effect(*file); !why.empty())
        log_warning("--cohort-lazy and --cohort-no-lazy have no effect: " + why);
    }
  }
  return file;
}

void end_session() {
  if (is_forked_child()) return;  // its parent removes the workers
  std::unique_ptr<Master> master(the_master.exchange(nullptr));
  if (master == nullptr) return;
  master->remove_all();
  CurrentNode::set_for_process({});
  end_master(std::move(master));
}

}  // namespace

Master* master_or_null() {
  const CurrentNode node = CurrentNode::get_or_none();
  return node.router == nullptr ? nullptr : static_cast<NodeImpl&>(*node.router).role().as_master();
}

Master& current_master() {
  if (Master* master = current_node().role().as_master()) return *master;
  throw Error("Only process 1 can add and remove workers");
}

NodeImpl& current_node() { return static_cast<NodeImpl&>(*CurrentNode::get().router); }

void refuse_to_lead_as_worker() {
  if (has_session) return;
  std::ifstream arguments("/proc/self/cmdline");
  for (std::string argument; std::getline(arguments, argument, '\0');) {
    if (argument == "--cohort-worker")
      throw Error(
          "this process was launched as a worker, and its main() does not begin with "
          "`cohort::Session session(argc, argv);`");
  }
}

void detail::set_session_exit_status(int (*translate)(int status)) { translate_exit_status = translate; }

std::size_t detail::joined_workers() {
  const auto pids = current_master().node().members().pids();
  return static_cast<std::size_t>(std::count_if(pids.begin(), pids.end(), [](Pid pid) { return pid != master_pid; }));
}

// A process is a member of one cluster.
static void claim_process() {
  refuse_in_forked_child();
  if (has_session.exchange(true))
    throw Error(the_worker.load() != nullptr
                    ? "this process is a worker already"
                    : "there is a cohort::Session already: a program has one, made at the beginning of main()");
  prepare_process();
}

Session::Session(int& argc, char** argv, SessionOptions options) {
  claim_process();
  OwnArguments own(argc, argv);
  if (own.has("worker")) serve_as_worker(argc, argv, own);
  int code = 1;
  try {
    code = 3;
    TransportSpec transport = transport_of(own);
    const auto file = wanted_cluster(own, options.launched);
    const auto process = file ? launched_by_others(*file) : std::nullopt;
    if (process && process->rank > 0) serve_as_launched(*process, *file);
    code = 1;
    auto* master = new Master;
    master->set_default_transport(std::move(transport));
    the_master.store(master);
    CurrentNode::set_for_process(master->node().current());
    code = 20;
    if (file) addprocs(*file);
    return;
  } catch (const ConfigError& error) {
    log_error(error.what());
    code = 3;
  } catch (const PluginError& error) {
    log_error(error.what());
    code = 4;
  } catch (const std::exception& error) {
    log_error(error.what());
  }
  end_session();
  std::exit(translate_exit_status(code));
}

void init_worker(WorkerOptions options) {
  claim_process();
  try {
    make_worker(worker_settings(std::move(options)));
  } catch (...) {
    has_session = false;
    throw;
  }
}

void process_messages(IoPair incoming) {
  if (CurrentNode::get_or_none().router == nullptr)
    throw Error("this process is no member of a cluster: a worker calls init_worker() first, a master makes a Session");
  NodeImpl& node = current_node();
  Master* master = node.role().as_master();
  node.add_connection(std::move(incoming), no_pid, master == nullptr ? nullptr : master->only_acceptor());
}

static Worker& this_worker() {
  if (Worker* worker = the_worker.load()) return *worker;
  throw Error("this process is not a worker: it has not called init_worker()");
}

void join_cluster(IoPair master) { this_worker().join(std::move(master)); }

std::string worker_address() { return this_worker().address(); }

int serve() {
  Worker& worker = this_worker();
  const int code = worker.serve();
  end_additional_workers();
  if (!worker.node().calls().idle() || !worker.node().blocking().wait_until_idle(Clock::now())) {
    std::fflush(nullptr);
    _exit(code);  // something is running: nothing that it uses may be destroyed
  }
  CurrentNode::set_for_process({});
  delete the_worker.exchange(nullptr);
  has_session = false;
  return code;
}

Session::~Session() {
  end_session();
  has_session = false;
}

}  // namespace cohort
