// cohort fake-scheduler: a little batch system for tests of managers and of job scripts.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <cohort/error.hpp>

#include "command.hpp"
#include "config/units.hpp"
#include "exit_code.hpp"
#include "flag_values.hpp"
#include "replace_process.hpp"

namespace cohort::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const Words dialects = {"slurm", "sge", "pbs", "lsf", "htcondor"};

struct Flags {
  std::string dialect = "slurm";
  std::string hosts = "2", cpus = "2", memory = "4GiB";
  std::string kill_grace = "2s", keep = "5m";
  std::string fail_submission = "0", queue_limit = "0";
  std::string slow = "0", status_delay = "0";
};

// A program of its own, so that its commands start fast and the tool stays small.
fs::path scheduler_program() {
  const fs::path path =
      (fs::read_symlink("/proc/self/exe").parent_path() / COHORT_LIBEXEC_FROM_TOOL / "cohort-fake-scheduler")
          .lexically_normal();
  if (!fs::exists(path)) throw Error("the fake scheduler is not installed: there is no " + path.string());
  return path;
}

std::string milliseconds(const std::string& flag, const std::string& text) {
  if (text == "0") return text;
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration(flag, text)).count());
}

int control(Words words) {
  const char* directory = std::getenv("COHORT_FAKE_SCHEDULER");
  if (directory == nullptr)
    throw UsageError(
        "there is no fake scheduler here: COHORT_FAKE_SCHEDULER is not set, which 'cohort fake-scheduler' "
        "prints when it begins");
  if (words.size() > 2 && (words[1] == "slow" || words[1] == "status-delay"))
    words[2] = milliseconds("control " + words[1], words[2]);
  Words command{scheduler_program(), std::string("--client=") + directory};
  command.insert(command.end(), words.begin(), words.end());
  return replace_process(command);
}

int become_scheduler(const Flags& flags, const Words& words) {
  if (!words.empty() && words[0] == "control") return control(words);
  choice("--dialect", flags.dialect, dialects);
  Words command{scheduler_program(), "--dialect=" + flags.dialect};
  const auto add = [&](const std::string& name, const std::string& value) {
    command.push_back("--" + name + "=" + value);
  };
  add("hosts", std::to_string(whole_number("--hosts", flags.hosts, 1, 1000)));
  add("cpus", std::to_string(whole_number("--cpus", flags.cpus, 1, 1000)));
  add("memory", std::to_string(detail::parse_size(flags.memory)));
  add("kill-grace", milliseconds("--kill-grace", flags.kill_grace));
  add("keep", milliseconds("--keep", flags.keep));
  add("fail-submission", std::to_string(whole_number("--fail-submission", flags.fail_submission, 0, 1'000'000)));
  add("queue-limit", std::to_string(whole_number("--queue-limit", flags.queue_limit, 0, 1'000'000)));
  add("slow", milliseconds("--slow", flags.slow));
  add("status-delay", milliseconds("--status-delay", flags.status_delay));
  if (!words.empty()) command.emplace_back("--");
  command.insert(command.end(), words.begin(), words.end());
  return replace_process(command);
}

}  // namespace

Command fake_scheduler_command() {
  auto flags = std::make_shared<Flags>();
  Command command{.name = "fake-scheduler", .help = "Run a little batch system on this machine, to test job scripts"};
  command.program = Command::Program::optional;
  command.flags = {
      {"--dialect", &flags->dialect, "Whose commands it has", "slurm|sge|pbs|lsf|htcondor"},
      {"--hosts", &flags->hosts, "How many hosts there seem to be: n1, n2 ...", "N"},
      {"--cpus", &flags->cpus, "Slots on each of them", "N"},
      {"--memory", &flags->memory, "Memory of each of them", "SIZE"},
      {"--kill-grace", &flags->kill_grace, "From SIGTERM to SIGKILL, for a job that has to end", "DURATION"},
      {"--keep", &flags->keep, "How long a job is known after its end", "DURATION"},
      {"--fail-submission", &flags->fail_submission, "Let each Nth submission fail", "N"},
      {"--queue-limit", &flags->queue_limit, "Refuse a job when so many wait", "N"},
      {"--slow", &flags->slow, "How much longer each command takes", "DURATION"},
      {"--status-delay", &flags->status_delay, "How old is what status commands say", "DURATION"},
  };
  command.footer =
      "With a program, runs it with the batch system's commands in its PATH, and ends with it:\n"
      "  cohort fake-scheduler --hosts 4 --cpus 2 -- cohort run -m slurm -p 8 ./simulate\n"
      "Without, prints what a shell evaluates to use it, and ends when its standard input does, or by Ctrl-C.\n"
      "All jobs and all their processes end with it. Its queues: the usual one, closed (starts no job), and short (a\n"
      "minute at most); the account 'denied' is refused.\n"
      "In its environment, faults are made by:\n"
      "  cohort fake-scheduler control preempt|kill|time-out|hold|release|vanish JOB\n"
      "  cohort fake-scheduler control lie JOB pending|running|completed|failed|off\n"
      "  cohort fake-scheduler control host-down|host-up HOST, queue-down|queue-up QUEUE\n"
      "  cohort fake-scheduler control fail-submission|queue-limit N, slow|status-delay DURATION, empty-status 0|1\n"
      "  cohort fake-scheduler control jobs";
  command.action = [flags](const Words& program) { return become_scheduler(*flags, program); };
  return command;
}

}  // namespace cohort::cli
