#include "ssh_manager.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "launch_failure.hpp"
#include "minimum.hpp"
#include "staging.hpp"

namespace cohort_ssh {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::ConfigError;
using cohort::IoPair;
using cohort::LaunchParams;
using cohort::ManageOp;
using cohort::Pid;
using cohort::WorkerConfig;

namespace {

constexpr std::size_t most_launches = 64;  // machines at once, whatever the servers bear
// Additional workers get no userdata, but these flags of the first one: by them the session is found again.
constexpr const char* session_flag = "session=";

std::string text_or(const cohort::Options& options, const std::string& name, const std::string& otherwise) {
  return options.has(name) ? options.string(name) : otherwise;
}

// A line on standard error, at once.
void warn(const std::string& message) {
  const std::string line = "cohort: " + message + '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

Machine parse_jump(const std::string& text) {
  const auto machines = parse_machines(text);
  if (machines.size() != 1) throw ConfigError("jump: '" + text + "' stands for more than one machine");
  return machines.front();
}

// Why a worker did not say where it listens.
LaunchFailure failure_of(RemoteWorker& worker, const RemoteProgram& program, const Patience& patience) {
  const auto end = worker.wait_until(Clock::time_point());
  const bool reached = worker.launched().pid != 0;
  const std::string lines = worker.last_lines();
  const std::string printed = lines.empty() ? "" : "\n    The last lines that were printed:" + lines;
  if (!end) {
    const std::string phase = reached ? "announce" : "exec";
    const std::string what = reached ? "the worker did not say where it listens" : "the login shell started nothing";
    return {phase, (patience.stopped() ? "the launch was given up; " : "no time was left; ") + what + printed,
            "Do its profiles wait for something? timeouts.launch says how long it may take."};
  }
  if (!reached)
    return {"exec", "the login shell " + end->text() + " before it started anything" + printed,
            "Does this work: ssh HOST echo hello?"};
  if (end->status && end->status->exited && end->status->code == no_directory)
    return {"exec", "the directory '" + program.dir + "' cannot be entered" + printed,
            "The option 'dir' says another."};
  if (end->status && end->status->exited && (end->status->code == 127 || end->status->code == 126))
    return {"exec", "the program '" + program.program + "' cannot be started" + printed,
            "It must be there on the machine, executable, and with its libraries; 'exename' says where it is."};
  return {"announce", "the worker " + end->text() + " before it said where it listens" + printed,
          "Is '" + program.program + "' a program whose main() begins with a cohort::Session, and the same build?"};
}

}  // namespace

// What became of the machines of one launch. Any thread.
struct SshManager::LaunchResults {
  std::mutex mutex;  // guards what follows
  int wanted = 0, up = 0;
  std::size_t machines = 0;
  std::vector<std::string> failures;
};

SshManager::SshManager(const cohort::Options& options)
    : options_(options), login_limit_(static_cast<int>(options.integer("max_parallel"))) {
  least_workers(options_.string("min"), 1);
  launch_script({.program = "-", .env = options_.env("env")}, "");
  for (const Machine& machine : machines())
    if (const auto jump = setting(machine, "jump"); !jump.empty()) parse_jump(jump);
}

std::vector<Machine> SshManager::machines() const {
  std::vector<Machine> machines;
  for (const auto& text : options_.strings("machines")) {
    const auto more = parse_machines(text);
    machines.insert(machines.end(), more.begin(), more.end());
  }
  if (options_.has("machine_file")) {
    const auto more = read_machine_file(expand_home(options_.string("machine_file")));
    machines.insert(machines.end(), more.begin(), more.end());
  }
  if (machines.empty())
    throw ConfigError("the manager ssh needs to know where: machines=[\"user@host\", ...] or machine_file=FILE");
  machines = merge_machines(machines);
  if (!options_.has("count")) return machines;
  if (const auto count = options_.count("count")) return deal_workers(machines, static_cast<int>(*count));
  for (Machine& machine : machines) machine.count_auto = true;
  return machines;
}

std::string SshManager::setting(const Machine& machine, const std::string& name) const {
  const auto own = machine.settings.find(name);
  return own != machine.settings.end() ? own->second : text_or(options_, name, "");
}

bool SshManager::is_tunnelled(const Machine& machine) const {
  const auto own = machine.settings.find("tunnel");
  return own != machine.settings.end() ? own->second == "true" : options_.boolean("tunnel");
}

LoginOptions SshManager::login_options(const Machine& machine) const {
  LoginOptions login;
  login.host = machine.host;
  login.port = machine.port != 0 ? machine.port : options_.has("port") ? static_cast<int>(options_.integer("port")) : 0;
  login.user = machine.user.empty() ? text_or(options_, "user", "") : machine.user;
  if (const auto identity = setting(machine, "identity"); !identity.empty())
    login.identity_files = {expand_home(identity)};
  login.known_hosts = expand_home(text_or(options_, "known_hosts", ""));
  login.use_config = options_.boolean("use_config");
  return login;
}

// The others that go through it wait while it logs in.
std::shared_ptr<SessionThread> SshManager::jump_for(const Machine& machine, const Patience& patience) {
  const std::string text = setting(machine, "jump");
  if (text.empty()) return nullptr;
  std::shared_ptr<Jump> jump;
  {
    const std::lock_guard lock(mutex_);
    auto& known = jumps_[text];
    if (known == nullptr) known = std::make_shared<Jump>();
    jump = known;
  }
  const std::lock_guard one_at_a_time(jump->making);
  auto session = jump->session.lock();
  if (session != nullptr && !session->is_over()) return session;
  try {
    auto logged_in = log_in(login_options(parse_jump(text)), identities_, login_limit_, patience);
    session = std::make_shared<SessionThread>(std::move(logged_in.session));
  } catch (const cohort::Error& error) {
    throw LaunchFailure("connect", "the jump host " + text + " cannot be used: " + error.what(), "");
  }
  jump->session = session;
  return session;
}

RemoteProgram SshManager::program_for(const Machine& machine, const LaunchParams& params) const {
  RemoteProgram program;
  const std::string exename = setting(machine, "exename");
  program.program = exename.empty() ? params.exename : exename;
  program.arguments = params.exeflags;
  for (std::string& flag : options_.strings("exeflags")) program.arguments.push_back(std::move(flag));
  program.bind_to_server = machine.bind.empty() && (params.transport == "tcp" || params.transport == "tls");
  if (!machine.bind.empty()) program.arguments.push_back("--bind-to=" + machine.bind);
  program.env = options_.env("env");
  program.dir = setting(machine, "dir");
  if (program.dir.empty()) program.dir = params.dir;
  std::error_code gone;
  program.usual_dir = std::filesystem::current_path(gone).string();
  return program;
}

// Looked up and hashed once for all machines. The others wait for the first.
std::shared_ptr<const ProgramFiles> SshManager::files_of(const std::string& program, const std::string& transport) {
  const std::lock_guard lock(collecting_);
  auto& files = program_files_[program + '\n' + transport];
  if (files == nullptr) files = std::make_shared<ProgramFiles>(collect_program_files(program, transport));
  return files;
}

void SshManager::stage_program(ssh_session session, RemoteProgram& program, const std::string& transport,
                               const Patience& patience) {
  const auto files = files_of(program.program, transport);
  const std::string directory =
      stage(session, *files, options_.string("stage_dir"), options_.string("stage") == "always", patience);
  program.program = directory + '/' + files->program;
  auto& libraries = program.env["LD_LIBRARY_PATH"];
  libraries = directory + "/lib" + (libraries ? ":" + *libraries : "");
}

void SshManager::launch(const LaunchParams& params, cohort::LaunchQueue& launched) {
  {
    const std::lock_guard lock(mutex_);
    term_grace_ = params.term;
    kill_grace_ = params.kill;
  }
  {
    const std::lock_guard lock(collecting_);
    program_files_.clear();  // they may have been built anew
  }
  const std::vector<Machine> all = machines();
  LaunchResults results;
  results.machines = all.size();
  for (const Machine& machine : all) results.wanted += machine.count;
  std::atomic<std::size_t> next{0};
  const auto launch_some = [&] {
    for (std::size_t i; (i = next++) < all.size();) {
      std::string failure;
      try {
        launched.push(launch_on(all[i], params));
      } catch (const std::exception& error) {
        failure = all[i].text() + ": " + error.what();
      }
      const std::lock_guard lock(results.mutex);
      if (failure.empty())
        results.up += all[i].count;
      else
        results.failures.push_back(std::move(failure));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(all.size(), most_launches); ++i) threads.emplace_back(launch_some);
    launch_some();
  }
  check_result(results);
}

void SshManager::check_result(const LaunchResults& results) const {
  if (results.failures.empty()) return;
  std::string text = results.machines == 1 ? ""
                                           : std::to_string(results.failures.size()) + " of " +
                                                 std::to_string(results.machines) + " machines failed:\n  ";
  for (std::size_t i = 0; i < results.failures.size(); ++i) text += (i == 0 ? "" : "\n  ") + results.failures[i];
  if (results.up < least_workers(options_.string("min"), results.wanted)) throw cohort::Error(text);
  warn("manager 'ssh' goes on with " + std::to_string(results.up) + " of " + std::to_string(results.wanted) +
       " workers: " + text);
}

WorkerConfig SshManager::launch_on(const Machine& machine, const LaunchParams& params) {
  // A little less than the core waits, so that it is told why.
  const auto deadline = cohort::deadline_after(
      params.timeout == cohort::never ? cohort::never
                                      : params.timeout - std::min<cohort::Duration>(params.timeout / 10, 1s));
  const Patience patience(deadline, params.stop);
  const bool tunnel = is_tunnelled(machine);
  if (tunnel && params.transport != "tcp")
    throw ConfigError("tunnel: goes with the transport tcp, not with " + params.transport);

  const Patience for_login(std::min(deadline, cohort::deadline_after(options_.duration("connect_timeout"))),
                           params.stop);
  LoginOptions login = login_options(machine);
  const auto jump = jump_for(machine, for_login);
  if (jump != nullptr) {
    login.way = [&jump](const std::string& host, int port, const Patience& time) {
      try {
        return open_tunnel(*jump, host, port, time.deadline());
      } catch (const cohort::Error& error) {
        throw LaunchFailure("connect", std::string("by the jump host: ") + error.what(), "");
      }
    };
  }
  auto logged_in = log_in(login, identities_, login_limit_, for_login);
  RemoteProgram program = program_for(machine, params);
  if (options_.string("stage") != "never") stage_program(logged_in.session.get(), program, params.transport, patience);
  const auto host = std::make_shared<RemoteHost>(std::make_unique<SessionThread>(std::move(logged_in.session)), jump);
  RemoteWorker& worker = host->start(program, params.cookie);
  if (!worker.wait_announced(patience)) {
    const LaunchFailure failure = failure_of(worker, program, patience);
    host->terminate(0s, 1s);  // it has nothing to lose
    throw failure;
  }

  WorkerConfig config;
  config.io = worker.take_outputs();
  // The address that it was reached at; it may not know that itself. Unless it was told another, or nobody dials it.
  if (machine.bind.empty() && !tunnel) config.host = logged_in.host;
  config.count = machine.count;
  config.count_auto = machine.count_auto;
  config.exename = program.program;
  config.exeflags = options_.strings("exeflags");
  config.bind_addr = machine.bind.empty() ? worker.launched().address : machine.bind_host();
  config.tunnel = tunnel;
  config.multiplex = true;
  config.max_parallel = static_cast<int>(options_.integer("max_parallel"));
  config.ospid = worker.launched().pid;
  config.threads = static_cast<int>(options_.integer("threads"));
  const std::lock_guard lock(mutex_);
  config.userdata = next_id_;
  config.sshflags = {session_flag + std::to_string(next_id_)};
  hosts_.emplace(next_id_++, host);
  return config;
}

IoPair SshManager::connect(Pid pid, WorkerConfig& config, cohort::Transport& transport, Clock::time_point deadline) {
  if (!config.tunnel) return ClusterManager::connect(pid, config, transport, deadline);
  std::shared_ptr<RemoteHost> host;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, each] : hosts_)
      if (config.sshflags == std::vector{session_flag + std::to_string(id)}) host = each;
  }
  if (host == nullptr) throw cohort::Error("the ssh session to " + config.host + " is over");
  auto socket = open_tunnel(host->session(), config.host, config.port, deadline);
  const bool is_v6 = config.host.find(':') != std::string::npos;
  config.connect_at = (is_v6 ? '[' + config.host + ']' : config.host) + ':' + std::to_string(config.port);
  return cohort::make_socket_pair(socket.release());
}

void SshManager::manage(Pid, WorkerConfig& config, ManageOp op) {
  const auto host = find(config);
  if (host == nullptr) return;
  switch (op) {
    case ManageOp::register_worker:
    case ManageOp::deregister_worker:
      break;
    case ManageOp::interrupt:
      host->signal("INT");
      break;
    case ManageOp::finalize: {
      terminate(*host);
      const std::lock_guard lock(mutex_);
      hosts_.erase(std::any_cast<HostId>(config.userdata));
      break;  // the session ends after the lock is released, with `host`
    }
  }
}

void SshManager::kill(Pid, WorkerConfig& config) {
  if (const auto host = find(config)) terminate(*host);
}

std::string SshManager::exit_cause(Pid, WorkerConfig& config) {
  const auto host = find(config);
  if (host == nullptr) return "";
  const auto end = host->worker()->wait_until(Clock::now() + 1s);
  return end ? end->text() : "";
}

void SshManager::terminate(RemoteHost& host) {
  std::unique_lock lock(mutex_);
  const auto term = term_grace_, kill = kill_grace_;
  lock.unlock();
  host.terminate(term, kill);
}

// nullptr: an additional worker of a machine, a stranger, or forgotten.
std::shared_ptr<RemoteHost> SshManager::find(const WorkerConfig& config) {
  const HostId* id = std::any_cast<HostId>(&config.userdata);
  const std::lock_guard lock(mutex_);
  const auto found = id == nullptr ? hosts_.end() : hosts_.find(*id);
  return found == hosts_.end() ? nullptr : found->second;
}

}  // namespace cohort_ssh
