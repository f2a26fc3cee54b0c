#include "examination.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "inquiry.hpp"
#include "plugin/elf_file.hpp"
#include "plugin/loader.hpp"
#include "ssh/dial.hpp"
#include "ssh/launch_command.hpp"
#include "ssh/launch_failure.hpp"
#include "ssh/machine_settings.hpp"
#include "ssh/remote_host.hpp"
#include "ssh/session_thread.hpp"

namespace cohort::doctor {
namespace {

using cohort_ssh::Machine;
using cohort_ssh::MachineSettings;

// "host:port": the port is after the last ':', and outside of the brackets of an address.
int port_of_bind(const Machine& machine) {
  const auto colon = machine.bind.rfind(':');
  if (colon == machine.bind.npos || machine.bind.find(']', colon) != machine.bind.npos) return 0;
  int port = 0;
  std::from_chars(machine.bind.data() + colon + 1, machine.bind.data() + machine.bind.size(), port);
  return port;
}

Subject subject_of(const ManagerSpec& manager, const MachineSettings& settings, const Machine& machine,
                   const std::string& program) {
  settings.check(machine);
  Subject subject;
  subject.manager = manager.id;
  subject.machine = machine.text();
  subject.login = settings.login(machine);
  if (const auto jump = settings.jump(machine)) subject.jump = settings.login(*jump);
  const std::string exename = settings.text(machine, "exename");
  const std::string local = program.empty() ? "" : std::filesystem::absolute(program).lexically_normal().string();
  subject.questions.shell = settings.text(machine, "shell");
  subject.questions.program = exename.empty() ? local : exename;
  subject.questions.dir = settings.text(machine, "dir");
  subject.questions.port = port_of_bind(machine);
  subject.local_program = local;
  subject.advertise = settings.text(machine, "advertise");
  subject.staged = settings.is_staged();
  subject.tunnel = settings.is_tunnelled(machine);
  return subject;
}

}  // namespace

std::vector<Subject> subjects_of(const ClusterFile& file, const std::string& program) {
  std::vector<Subject> subjects;
  for (const ManagerSpec& manager : file.managers) {
    if (manager.plugin != "ssh") continue;
    const auto& plugin = detail::PluginLoader::instance().load(PluginKind::manager, manager.plugin);
    const MachineSettings settings(plugin.parse_options(manager.options_json));
    for (const Machine& machine : settings.machines())
      subjects.push_back(subject_of(manager, settings, machine, program));
  }
  return subjects;
}

namespace {

using namespace std::chrono_literals;
using cohort_ssh::Patience;
using Seconds = std::chrono::duration<double>;

constexpr std::array phases_of_login = {"resolve", "connect", "host key", "auth"};
constexpr std::array looked_at = {"shell", "program", "ports", "clock", "memory", "limits"};
constexpr std::uint64_t little_memory = 64 << 20, few_files = 1024, few_processes = 512;
constexpr Seconds large_skew = 2s;
constexpr int some_port = 47113;  // one of those that systems give to listeners that want any
constexpr Duration port_patience = 2s;

Check good(std::string name, std::string found) { return {std::move(name), Outcome::good, std::move(found), ""}; }
Check warning(std::string name, std::string found, std::string hint = "") {
  return {std::move(name), Outcome::warning, std::move(found), std::move(hint)};
}
Check bad(std::string name, std::string found, std::string hint = "") {
  return {std::move(name), Outcome::bad, std::move(found), std::move(hint)};
}
Check skipped(std::string name, std::string why) { return {std::move(name), Outcome::skipped, std::move(why), ""}; }

// What failed is bad, what came before it is good, and what comes after it was not looked at. The text of a
// LaunchFailure is "PHASE: CAUSE", and in the next line what to try.
void add_failed_login(const std::string& text, std::vector<Check>& checks) {
  const auto colon = text.find(": ");
  const auto line_end = std::min(text.find('\n'), text.size());
  const std::string phase = text.substr(0, colon);
  const auto failed = std::find(phases_of_login.begin(), phases_of_login.end(), phase);
  for (auto each = phases_of_login.begin(); each != phases_of_login.end(); ++each) {
    if (each < failed) {
      checks.push_back(good(*each, ""));
    } else if (each > failed) {
      checks.push_back(skipped(*each, phase + " failed"));
    } else {
      const auto hint = text.find_first_not_of(" \n", line_end);
      checks.push_back(
          bad(*each, text.substr(colon + 2, line_end - colon - 2), hint == text.npos ? "" : text.substr(hint)));
    }
  }
  for (const char* each : looked_at) checks.push_back(skipped(each, phase + " failed"));
}

// --- What the host says.

struct Answers {
  HostFacts facts;
  Seconds asked, answered;  // since 1970
  std::string problem;      // why there are none
};

Seconds now() { return std::chrono::system_clock::now().time_since_epoch(); }

std::string first_line(const std::string& text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return text.substr(begin, std::min<std::size_t>(text.find('\n', begin) - begin, 100));
}

Answers ask(cohort_ssh::SessionThread& session, const Questions& questions, Clock::time_point deadline) {
  std::random_device random;
  const std::string mark = fmt::format("cohort-doctor-{}{}", random(), random());
  const auto inquiry = std::make_shared<Inquiry>(questions.shell, mark + "-ready", facts_script(questions, mark));
  Answers answers;
  answers.asked = now();
  session.add(inquiry);
  const auto output = inquiry->output_until(deadline);
  answers.answered = now();
  if (!output) {
    answers.problem = "a command does not end in time";
  } else if (auto facts = parse_facts(*output, mark)) {
    answers.facts = std::move(*facts);
  } else {
    const auto end = inquiry->wait_until(deadline);
    answers.problem = "a command could not be run: " + (end ? end->text() : "its end is not known");
    if (const auto said = first_line(*output); !said.empty()) answers.problem += ": " + said;
  }
  return answers;
}

Check check_shell(const Subject& subject, const HostFacts& facts) {
  if (facts.dir_is_missing)
    return bad("shell", "there is no directory " + subject.questions.dir, "Make it, or let 'dir' say another.");
  if (first_line(facts.noise).empty()) return good("shell", "runs commands");
  return warning("shell", "the user's profile prints '" + first_line(facts.noise) + "'",
                 "cohort skips that; other tools (scp, rsync) may not. Let it print to terminals only: [ -t 1 ] && …");
}

// The build-id of a program of which the first bytes are known. @throws PluginError saying what it is instead.
std::string build_id_of(const std::vector<std::byte>& head) {
  const FileDescriptor file(::memfd_create("program", MFD_CLOEXEC));
  if (::write(file.get(), head.data(), head.size()) != static_cast<ssize_t>(head.size())) throw Error("no memory");
  return detail::read_elf_build_id_of_head(fmt::format("/proc/self/fd/{}", file.get()));
}

Check check_program(const Subject& subject, const HostFacts& facts) {
  const std::string& program = subject.questions.program;
  if (subject.staged) return good("program", "is copied there (stage)");
  if (facts.program == HostFacts::Program::not_asked)
    return skipped("program", "say which: cohort doctor FILE PROGRAM");
  if (facts.program == HostFacts::Program::missing)
    return bad("program", "there is no " + program, "Copy it there, or let cohort do it: \"stage\": \"if_missing\".");
  if (facts.program == HostFacts::Program::not_executable)
    return bad("program", program + " cannot be executed", "chmod +x " + program);
  if (!facts.missing_libraries.empty()) {
    return bad("program", program + " needs " + facts.missing_libraries.front() + ", which is not there",
               "Install it there, or let cohort copy it: \"stage\": \"if_missing\".");
  }
  if (facts.opencl_drivers == 0) {
    return warning("program", program + " uses OpenCL devices, and there is no driver of one",
                   "Install the driver of the GPU, or pocl-opencl-icd, which computes on the CPU.");
  }
  if (subject.local_program.empty()) return good("program", program);
  try {
    const std::string here = detail::read_elf_build_id(subject.local_program), there = build_id_of(facts.program_head);
    if (here == there) return good("program", program + ", build " + there.substr(0, 12));
    return bad("program", fmt::format("{} is another build, {}; here it is {}", program, there, here),
               "Copy the program there again, or let cohort do it: \"stage\": \"if_missing\".");
  } catch (const PluginError& error) {
    return bad("program", program + ' ' + error.what());
  }
}

// 0 or an errno value, of dialling a port that nobody needs to listen at.
int dial_error(const std::string& host, int port, const Patience& patience) {
  const auto address = cohort_ssh::resolve(host, port).front();
  const FileDescriptor socket(::socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!patience.wait(socket.get(), POLLOUT)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Check check_ports(const Subject& subject, const HostFacts& facts, const std::string& host) {
  const int wanted = subject.questions.port;
  if (facts.port_in_use) {
    return bad("ports", fmt::format("something listens at port {} already", wanted),
               "Say another one behind the host, or none.");
  }
  if (subject.tunnel) return good("ports", "none is needed: tunnel");
  if (host.empty()) return skipped("ports", "other hosts are between: nobody can tell from here");
  const int port = wanted == 0 ? some_port : wanted;
  const Patience patience(Clock::now() + port_patience, {});
  int error = 0;
  try {
    error = dial_error(host, port, patience);
  } catch (const cohort_ssh::LaunchFailure& no_address) {
    return bad("ports", first_line(no_address.what()), "Let its 'advertise' say another.");
  }
  if (error == 0 || error == ECONNREFUSED) return good("ports", "can be reached");  // nobody listens yet, of course
  return bad("ports", fmt::format("{} port {}: {}", host, port, std::generic_category().message(error)),
             "A firewall? Open the ports that workers listen at, or say \"tunnel\": true.");
}

Check check_clock(const Answers& answers) {
  if (!answers.facts.clock) return skipped("clock", "the host does not tell");
  const Seconds half = (answers.answered - answers.asked) / 2;
  const Seconds skew = *answers.facts.clock - (answers.asked + half);
  const std::string text = fmt::format("{:+.1f} s, give or take {:.1f} s", skew.count(), half.count());
  if (std::abs(skew.count()) - half.count() < large_skew.count()) return good("clock", text);
  return warning("clock", text, "Times in logs will not agree. Does it run NTP?");
}

Check check_memory(const HostFacts& facts) {
  if (!facts.shared_memory) return warning("memory", "there is no /dev/shm");
  const std::string text = fmt::format("{} MiB free in /dev/shm", *facts.shared_memory >> 20);
  return *facts.shared_memory < little_memory ? warning("memory", text) : good("memory", text);
}

std::string limit_text(std::uint64_t limit) { return limit == UINT64_MAX ? "unlimited" : std::to_string(limit); }

Check check_limits(const HostFacts& facts) {
  if (!facts.open_files || !facts.processes) return skipped("limits", "the host does not tell");
  const std::string text =
      fmt::format("{} open files, {} processes", limit_text(*facts.open_files), limit_text(*facts.processes));
  if (*facts.open_files >= few_files && *facts.processes >= few_processes) return good("limits", text);
  return warning("limits", text, "See ulimit, and /etc/security/limits.conf there.");
}

void add_answers(const Subject& subject, const Answers& answers, const std::string& host, std::vector<Check>& checks) {
  if (!answers.problem.empty()) {
    checks.push_back(bad(looked_at.front(), answers.problem));
    for (std::size_t i = 1; i < looked_at.size(); ++i)
      checks.push_back(skipped(looked_at[i], "no command could be run"));
    return;
  }
  checks.push_back(check_shell(subject, answers.facts));
  checks.push_back(check_program(subject, answers.facts));
  checks.push_back(check_ports(subject, answers.facts, host));
  checks.push_back(check_clock(answers));
  checks.push_back(check_memory(answers.facts));
  checks.push_back(check_limits(answers.facts));
}

// Each host logs in there by itself: no more than a few seconds are at stake.
std::unique_ptr<cohort_ssh::SessionThread> session_of_jump(const Subject& subject, cohort_ssh::Identities& identities,
                                                           cohort_ssh::LoginLimit& login_limit,
                                                           const Patience& patience) {
  if (!subject.jump) return nullptr;
  try {
    auto logged_in = cohort_ssh::log_in(*subject.jump, identities, login_limit, patience);
    return std::make_unique<cohort_ssh::SessionThread>(std::move(logged_in.session));
  } catch (const cohort_ssh::LaunchFailure& failure) {
    throw cohort_ssh::LaunchFailure("connect",
                                    "the jump host " + subject.jump->host + " cannot be used: " + failure.what(), "");
  }
}

auto way_by(cohort_ssh::SessionThread& jump) {
  return [&jump](const std::string& host, int port, const Patience& patience) {
    try {
      return cohort_ssh::open_tunnel(jump, host, port, patience.deadline());
    } catch (const cohort_ssh::LaunchFailure&) {
      throw;
    } catch (const Error& error) {
      throw cohort_ssh::LaunchFailure("connect", std::string("by the jump host: ") + error.what(), "");
    }
  };
}

}  // namespace

HostReport examine(const Subject& subject, cohort_ssh::Identities& identities, cohort_ssh::LoginLimit& login_limit,
                   Duration limit) {
  HostReport report{subject.manager, subject.machine, {}};
  const Patience patience(deadline_after(limit), {});
  try {
    cohort_ssh::LoginOptions login = subject.login;
    const auto jump = session_of_jump(subject, identities, login_limit, patience);
    if (jump != nullptr) login.way = way_by(*jump);
    cohort_ssh::LoggedIn logged_in = cohort_ssh::log_in(login, identities, login_limit, patience);
    for (const char* phase : phases_of_login) report.checks.push_back(good(phase, ""));
    report.checks[1].found = jump == nullptr ? logged_in.host : "by " + subject.jump->host;
    cohort_ssh::SessionThread session(std::move(logged_in.session));
    const Answers answers = ask(session, subject.questions, patience.deadline());
    const std::string reached = jump == nullptr ? logged_in.host : "";
    add_answers(subject, answers, subject.advertise.empty() ? reached : subject.advertise, report.checks);
  } catch (const cohort_ssh::LaunchFailure& failure) {
    report.checks.clear();
    add_failed_login(failure.what(), report.checks);
  }
  return report;
}

}  // namespace cohort::doctor
