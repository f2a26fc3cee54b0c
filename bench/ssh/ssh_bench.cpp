// Launch on other machines: bench/run ssh [--json FILE] [--rounds N]. The machines are the hosts of tests/testbed.

#include <libssh/libssh.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cohort/cohort.hpp>

#include "../../tests/hosts/host_bed.hpp"
#include "machine.hpp"
#include "report.hpp"
#include "rounds.hpp"

namespace {

using cohort::test::HostBed;
using cohort::test::SshHost;

constexpr int machines = 8;
constexpr int workers_each = 2;

// What a login cannot do without: version, keys, the host's key looked up, the user's key.
void log_in(const HostBed& bed, const SshHost& host) {
  const std::unique_ptr<ssh_session_struct, void (*)(ssh_session)> owned(::ssh_new(), ::ssh_free);
  ssh_session session = owned.get();
  const int no = 0, yes = 1;
  const unsigned port = static_cast<unsigned>(host.port);
  ::ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ::ssh_options_set(session, SSH_OPTIONS_NODELAY, &yes);
  ::ssh_options_set(session, SSH_OPTIONS_HOST, host.address.c_str());
  ::ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  ::ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, bed.known_hosts().c_str());
  ssh_key key = nullptr;
  const bool there = ::ssh_connect(session) == SSH_OK && ::ssh_session_is_known_server(session) == SSH_KNOWN_HOSTS_OK &&
                     ::ssh_pki_import_privkey_file(bed.key().c_str(), nullptr, nullptr, nullptr, &key) == SSH_OK;
  const bool logged_in = there && ::ssh_userauth_publickey(session, nullptr, key) == SSH_AUTH_SUCCESS;
  ::ssh_key_free(key);
  if (!logged_in) throw std::runtime_error(host.name + ": " + ::ssh_get_error(session));
  ::ssh_disconnect(session);
}

Samples libssh_logins(const HostBed& bed) {
  return Samples::of(1, [&] {
    std::vector<std::exception_ptr> failures(bed.hosts().size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < bed.hosts().size(); i++) {
        threads.emplace_back([&, i] {
          try {
            log_in(bed, bed[i]);
          } catch (...) {
            failures[i] = std::current_exception();
          }
        });
      }
    }
    for (const auto& failure : failures)
      if (failure) std::rethrow_exception(failure);
  });
}

pid_t start_ssh(const HostBed& bed, const SshHost& host) {
  const std::string config = bed.ssh_config();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execlp("ssh", "ssh", "-n", "-F", config.c_str(), host.name.c_str(), "true", nullptr);
    ::_exit(127);
  }
  return pid;
}

void wait_for_ssh(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) throw std::runtime_error("ssh HOST true failed");
}

Samples ssh_in_a_loop(const HostBed& bed) {
  return Samples::of(1, [&] {
    for (const SshHost& host : bed.hosts()) wait_for_ssh(start_ssh(bed, host));
  });
}

Samples ssh_at_once(const HostBed& bed) {
  return Samples::of(1, [&] {
    std::vector<pid_t> running;
    for (const SshHost& host : bed.hosts()) running.push_back(start_ssh(bed, host));
    for (const pid_t pid : running) wait_for_ssh(pid);
  });
}

// Until each has answered one call; their removal is not counted.
Samples launch_and_answer(const HostBed& bed) {
  nlohmann::json options = {{"identity", bed.key().string()}, {"known_hosts", bed.known_hosts().string()}};
  for (const SshHost& host : bed.hosts())
    options["machines"].push_back(std::to_string(workers_each) + '*' + host.machine());
  Samples samples(1);
  const auto start = Samples::Clock::now();
  const auto pids = cohort::addprocs("ssh", options.dump());
  std::vector<cohort::Future<int>> answers;
  for (const cohort::Pid pid : pids) answers.push_back(cohort::remotecall([] { return 1; }, pid));
  for (auto& answer : answers) answer.fetch();
  samples.add(Samples::Clock::now() - start);
  cohort::rmprocs(pids);
  return samples;
}

bool is_worker(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* word) { return std::strcmp(word, "--cohort-worker") == 0; });
}

}  // namespace

int main(int argc, char** argv) try {
  if (!is_worker(argc, argv)) cohort::test::enter_head();
  cohort::Session session(argc, argv);

  CLI::App app("Launch of workers on other machines beside what ssh itself takes", "bench/run ssh");
  std::string json;
  int rounds = 10;
  bool check = false;
  app.add_flag("--check", check, "exit with 1 if the target is missed; on a machine that has nothing else to do");
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--rounds", rounds, "alternating rounds; medians are taken over them")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);

  Report report;
  for (const auto& [name, value] : machine_facts()) report.fact(name, value);
  const HostBed bed(machines);
  report.fact("hosts", bed.isolated() ? "8, in namespaces" : "8 sshds at the loopback address");
  const std::string ours = "cohort: 16 workers on 8 hosts";
  const auto outcomes = compare({{"8 libssh logins at once", [&](int) { return libssh_logins(bed); }},
                                 {ours, [&](int) { return launch_and_answer(bed); }},
                                 {"ssh HOST true, 8 at once", [&](int) { return ssh_at_once(bed); }},
                                 {"ssh HOST true, in a loop", [&](int) { return ssh_in_a_loop(bed); }}},
                                rounds, 1);
  for (const auto& outcome : outcomes)
    report.row("launch by ssh", outcome.name, {{"ms", outcome.p50 / 1000}, {"over_logins", outcome.p50_ratio}});
  report.target("launch by ssh", ours, "over_logins", Report::Limit::at_most, 2);
  const bool all_met = report.print(std::cout);
  if (!json.empty()) report.write_json(json);
  return check && !all_met ? 1 : 0;
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << '\n';
  return 1;
}
