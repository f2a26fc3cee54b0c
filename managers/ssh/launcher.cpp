#include "launcher.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <cohort/error.hpp>

#include "launch_failure.hpp"
#include "staging.hpp"

namespace cohort_ssh {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::ConfigError;
using cohort::LaunchParams;
using cohort::WorkerConfig;

namespace {

// A little earlier than the core gives the launch up, so that it is told why.
Clock::time_point deadline_of(cohort::Duration timeout) {
  if (timeout == cohort::never) return Clock::time_point::max();
  return cohort::deadline_after(timeout - std::min<cohort::Duration>(timeout / 10, 1s));
}

// Its addresses are HOST:PORT, in any network.
bool is_tcp(const std::string& transport) { return transport == "tcp" || transport == "tls"; }

// Why a worker did not say where it listens.
LaunchFailure failure_of(RemoteWorker& worker, const RemoteProgram& program, const Patience& patience) {
  const auto end = worker.wait_until(Clock::time_point());
  const bool reached = worker.launched().pid != 0;
  const std::string lines = worker.last_lines();
  const std::string printed = lines.empty() ? "" : "\n    The last lines that were printed:" + lines;
  const bool usual = program.shell == usual_shell;
  const std::string shell = usual ? "the login shell" : "the shell '" + program.shell + "'";
  const auto is_missing = [&] {
    return end->status && end->status->exited && (end->status->code == 127 || end->status->code == 126);
  };
  if (!end) {
    const std::string phase = reached ? "announce" : "exec";
    const std::string what = reached ? "the worker did not say where it listens" : shell + " started nothing";
    return {phase, (patience.stopped() ? "the launch was given up; " : "no time was left; ") + what + printed,
            "Do its profiles wait for something? timeouts.launch says how long it may take."};
  }
  if (!reached && usual)
    return {"exec", shell + " " + end->text() + " before it started anything" + printed,
            "Does this work: ssh HOST echo hello?"};
  if (!reached)
    return {"exec",
            shell + (is_missing() ? " cannot be started" : " " + end->text() + " before it started anything") + printed,
            "It must be there on the machine, and understand what sh does; 'shell' names another. Does this work: "
            "ssh HOST " +
                program.shell + " -c true?"};
  if (end->status && end->status->exited && end->status->code == no_directory)
    return {"exec", "the directory '" + program.dir + "' cannot be entered" + printed,
            "The option 'dir' says another."};
  if (is_missing())
    return {"exec", "the program '" + program.program + "' cannot be started" + printed,
            "It must be there on the machine, executable, and with its libraries; 'exename' says where it is."};
  if (end->status && end->status->exited && end->status->code == cohort::other_build_exit_code)
    return {"exec", "the program '" + program.program + "' is another build than this one" + printed,
            "Copy the program there again, or let cohort do it: stage=if_missing."};
  return {"announce", "the worker " + end->text() + " before it said where it listens" + printed,
          "Is '" + program.program + "' a program whose main() begins with a cohort::Session, and the same build?"};
}

}  // namespace

Launcher::Launcher(const cohort::Options& options)
    : options_(options), settings_(options), login_limit_(static_cast<int>(options.integer("max_parallel"))) {
  launch_script({.program = "-", .env = options_.env("env")}, "");  // refuses names that are none
}

void Launcher::check(const Machine& machine) const { settings_.check(machine); }

// The others that go through it wait while it logs in.
std::shared_ptr<SessionThread> Launcher::jump_for(const Machine& machine, const Patience& patience) {
  const auto host = settings_.jump(machine);
  if (!host) return nullptr;
  const std::string text = settings_.text(machine, "jump");
  std::shared_ptr<Jump> jump;
  {
    const cohort::detail::MutexLock lock(jumps_mutex_);
    auto& known = jumps_[text];
    if (known == nullptr) known = std::make_shared<Jump>();
    jump = known;
  }
  const cohort::detail::MutexLock one_at_a_time(jump->making);
  auto session = jump->session.lock();
  if (session != nullptr && !session->is_over()) return session;
  try {
    auto logged_in = log_in(settings_.login(*host), identities_, login_limit_, patience);
    session = std::make_shared<SessionThread>(std::move(logged_in.session));
  } catch (const cohort::Error& error) {
    throw LaunchFailure("connect", "the jump host " + text + " cannot be used: " + error.what(), "");
  }
  jump->session = session;
  return session;
}

RemoteProgram Launcher::program_for(const Machine& machine, const LaunchParams& params) const {
  RemoteProgram program;
  program.shell = settings_.text(machine, "shell");
  const std::string exename = settings_.text(machine, "exename");
  program.program = exename.empty() ? params.exename : exename;
  program.arguments = params.exeflags;
  for (std::string& flag : options_.strings("exeflags")) program.arguments.push_back(std::move(flag));
  program.bind_to_server = machine.bind.empty() && is_tcp(params.transport_name);
  if (!machine.bind.empty()) program.arguments.push_back("--bind-to=" + machine.bind);
  program.env = settings_.env(machine);
  program.dir = settings_.text(machine, "dir");
  if (program.dir.empty()) program.dir = params.dir;
  std::error_code gone;
  program.usual_dir = std::filesystem::current_path(gone).string();
  return program;
}

// The files are looked up and hashed once for all machines. The others wait for the first.
void Launcher::stage_program(ssh_session session, RemoteProgram& program, const std::string& transport,
                             const Patience& patience) {
  std::shared_ptr<const ProgramFiles> files;
  {
    const cohort::detail::MutexLock lock(collecting_);
    auto& known = program_files_[program.program + '\n' + transport];
    if (known == nullptr)
      known = std::make_shared<ProgramFiles>(collect_program_files(program.program, transport, patience));
    files = known;
  }
  const std::string directory =
      stage(session, *files, options_.string("stage_dir"), options_.string("stage") == "always", patience);
  program.program = directory + '/' + files->program;
  program.libraries = directory + "/lib";
}

void Launcher::forget_program_files() {
  const cohort::detail::MutexLock lock(collecting_);
  program_files_.clear();
}

Launcher::Launched Launcher::launch(const Machine& machine, const LaunchParams& params) {
  if (settings_.is_tunnelled(machine) && params.transport_name != "tcp")
    throw ConfigError("tunnel: goes with the transport tcp, not with " + params.transport_name);
  const std::string advertised = settings_.text(machine, "advertise");
  if (!advertised.empty() && !is_tcp(params.transport_name))
    throw ConfigError("advertise: goes with the transports tcp and tls, not with " + params.transport_name);
  const auto deadline = deadline_of(params.timeout);
  const Patience patience(deadline, params.stop);
  const Patience for_login(std::min(deadline, cohort::deadline_after(options_.duration("connect_timeout"))),
                           params.stop);
  LoginOptions login = settings_.login(machine);
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
  if (settings_.is_staged()) stage_program(logged_in.session.get(), program, params.transport_name, patience);

  Launched launched;
  launched.host = std::make_shared<RemoteHost>(std::make_unique<SessionThread>(std::move(logged_in.session)), jump);
  RemoteWorker& worker = launched.host->start(program, params.cookie);
  if (!worker.wait_announced(patience)) {
    const LaunchFailure failure = failure_of(worker, program, patience);
    launched.host->terminate(0s, 1s);  // it has nothing to lose
    throw failure;
  }
  launched.config = config_of(machine, program, worker);
  // The address that it was reached at; it may not know that itself. Unless it was told another, or nobody dials it.
  if (machine.bind.empty() && !launched.config.tunnel) launched.config.host = logged_in.host;
  if (!advertised.empty()) launched.config.host = advertised;
  return launched;
}

WorkerConfig Launcher::config_of(const Machine& machine, const RemoteProgram& program, RemoteWorker& worker) const {
  WorkerConfig config;
  config.io = worker.take_outputs();
  config.count = machine.count;
  config.count_auto = machine.count_auto;
  config.exename = program.program;
  config.exeflags = options_.strings("exeflags");
  config.bind_addr = machine.bind.empty() ? worker.launched().address : machine.bind_host();
  config.tunnel = settings_.is_tunnelled(machine);
  config.ospid = worker.launched().pid;
  config.threads = static_cast<int>(options_.integer("threads"));
  return config;
}

}  // namespace cohort_ssh
