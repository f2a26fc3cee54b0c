#include "submission.hpp"

#include <algorithm>
#include <array>

#include "../text.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

using namespace std::chrono_literals;
using enum OptionRule::Value;

constexpr OptionRule rules[] = {
    {'J', "job-name"},
    {'n', "ntasks"},
    {'N', "nodes"},
    {'c', "cpus-per-task"},
    {0, "ntasks-per-node"},
    {'p', "partition"},
    {'A', "account"},
    {'q', "qos"},
    {'t', "time"},
    {'o', "output"},
    {'e', "error"},
    {'i', "input"},
    {'a', "array"},
    {'D', "chdir"},
    {'H', "hold", none},
    {'Q', "quiet", none},
    {'v', "verbose", none},
    {'W', "wait", none},
    {'O', "overcommit", none},
    {'s', "oversubscribe", none},
    {'C', "constraint"},
    {'w', "nodelist"},
    {'x', "exclude"},
    {'G', "gpus"},
    {'d', "dependency"},
    {'b', "begin"},
    {0, "mem"},
    {0, "mem-per-cpu"},
    {0, "signal"},
    {0, "requeue", none},
    {0, "no-requeue", none},
    {0, "export"},
    {0, "parsable", none},
    {0, "wrap"},
    {0, "open-mode"},
    {0, "exclusive", optional},
    {0, "gres"},
    {0, "hint"},
    {0, "comment"},
    {0, "mail-type"},
    {0, "mail-user"},
    {0, "overlap", none},
    {0, "exact", none},
    {0, "jobid"},
    {0, "mpi"},
    {0, "cpu-bind"},
    {0, "distribution"},
    {'l', "label", none},
    {'u', "unbuffered", none},
    {0, "test-only", none},
};
// -W and -K mean something else to srun.
constexpr OptionRule srun_rules[] = {{'K', "kill-on-bad-exit", optional}, {'W', "wait"}, {'m', "distribution"}};

const std::vector<OptionRule>& rules_of(std::string_view command) {
  static const std::vector<OptionRule> of_sbatch(std::begin(rules), std::end(rules));
  static const std::vector<OptionRule> of_srun = [] {
    std::vector<OptionRule> all(std::begin(srun_rules), std::end(srun_rules));
    for (const auto& rule : rules)
      if (rule.name != "wait" && rule.name != "distribution") all.push_back(rule);
    return all;
  }();
  return command == "srun" ? of_srun : of_sbatch;
}

// "100" are megabytes; K, M, G and T follow a number.
std::optional<std::uint64_t> parse_memory(std::string_view text) {
  int shift = 20;
  if (!text.empty()) {
    const auto unit =
        std::string_view("KMGT").find(text.back() >= 'a' ? static_cast<char>(text.back() - 32) : text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const auto value = number(text);
  if (!value || *value < 0 || *value > (std::int64_t{1} << 40)) return std::nullopt;
  return static_cast<std::uint64_t>(*value) << shift;
}

// "[B:]USR1[@60]"
std::optional<JobSpec::Warning> parse_warning(std::string_view text) {
  JobSpec::Warning warning{0, 60s, false};
  if (text.starts_with("B:") || text.starts_with("R:")) {
    warning.batch_only = text[0] == 'B';
    text.remove_prefix(2);
  }
  const auto at = text.find('@');
  warning.signal = signal_number(text.substr(0, at));
  const auto before = at == text.npos ? 60 : number(text.substr(at + 1));
  if (warning.signal == 0 || !before || *before < 0 || *before > 65535) return std::nullopt;
  warning.before = std::chrono::seconds(*before);
  return warning;
}

class OptionReader {
 public:
  OptionReader(std::string_view command, Submission& into) : command_(command), into_(into) {}

  std::optional<Refusal> take(const GivenOption& option) {
    const auto& [name, value] = option;
    JobSpec& spec = into_.spec;
    if (name == "job-name") spec.name = value;
    if (name == "ntasks") {
      if (!take_number(option, spec.tasks)) return refusal_;
      spec.tasks_given = true;
    }
    if (name == "nodes" && !take_number({name, value.substr(0, value.find('-'))}, spec.nodes)) return refusal_;
    if (name == "cpus-per-task" && !take_number(option, spec.cpus_per_task)) return refusal_;
    if (name == "ntasks-per-node" && !take_number(option, spec.tasks_per_node)) return refusal_;
    if (name == "partition") spec.queue = value;
    if (name == "account") spec.account = value;
    if (name == "output") (command_ == "srun" ? into_.output_file : spec.output) = value;
    if (name == "error") spec.error = value;
    if (name == "input") (command_ == "srun" ? into_.input : spec.input) = value;
    if (name == "chdir") spec.dir = value.starts_with('/') ? value : spec.dir + "/" + value;
    if (name == "hold") spec.held = true;
    if (name == "quiet") into_.quiet = true;
    if (name == "overcommit") spec.overcommit = true;
    if (name == "requeue" || name == "no-requeue") spec.requeue = name == "requeue";
    if (name == "parsable") into_.parsable = true;
    if (name == "test-only") into_.test_only = true;
    if (name == "wrap") into_.wrap = value;
    if (name == "open-mode") spec.appends = value.starts_with('a');
    if (name == "overlap") into_.overlap = true;
    if (name == "label") into_.label = true;
    if (name == "jobid") into_.jobid = value;
    if (name == "nodelist") into_.hosts = expanded(value);
    if (name == "kill-on-bad-exit") into_.kill_on_bad_exit = value != "0";
    if (name == "wait" && command_ == "srun") into_.wait_for_others = std::chrono::seconds(number(value).value_or(0));
    if (name == "wait" && command_ == "sbatch") into_.wait = true;
    if (name == "export") set_export(value);
    if (name == "time") {
      spec.walltime = parse_time(value);
      if (!spec.walltime && value != "UNLIMITED" && value != "infinite")
        return Refusal{prefix() + "error: Invalid --time specification\n", 255};
      if (spec.walltime == 0ms) spec.walltime.reset();
    }
    if (name == "mem") {
      const auto memory = parse_memory(value);
      if (!memory) return Refusal{prefix() + "error: Invalid --mem specification\n", 255};
      spec.memory = *memory;
    }
    if (name == "dependency" && !read_dependency(value))
      return Refusal{prefix() + "error: Batch job submission failed: Job dependency problem\n"};
    if (name == "signal") {
      spec.warning = parse_warning(value);
      if (!spec.warning) return Refusal{prefix() + "error: Invalid --signal specification\n", 255};
    }
    if (name == "array") {
      const auto percent = value.find('%');
      auto tasks = parse_range(std::string_view(value).substr(0, percent));
      const auto at_once = percent == value.npos ? 0 : number(std::string_view(value).substr(percent + 1));
      if (!tasks || !at_once)
        return Refusal{prefix() + "error: Batch job submission failed: Invalid job array specification\n"};
      into_.array_tasks = std::move(*tasks);
      into_.at_once = static_cast<int>(*at_once);
    }
    return std::nullopt;
  }

 private:
  std::string prefix() const { return std::string(command_) + ": "; }

  bool take_number(const GivenOption& option, int& into) {
    const auto value = number(option.value);
    if (value && *value > 0 && *value < 100'000) {
      into = static_cast<int>(*value);
      return true;
    }
    refusal_ = {prefix() + "error: Invalid numeric value \"" + option.value + "\" for --" + option.name + ".\n"};
    return false;
  }

  // "afterok:7:8,afterany:9"
  bool read_dependency(const std::string& value) {
    for (const std::string_view part : split(value, ',')) {
      const auto words = split(part, ':');
      if (words.size() < 2 || (words[0] != "afterok" && words[0] != "afterany")) return false;
      for (std::size_t i = 1; i < words.size(); i++) {
        const auto job = number(words[i].substr(0, words[i].find('_')));
        if (!job) return false;
        into_.spec.after.push_back({*job, words[0] == "afterok"});
      }
    }
    return true;
  }

  // "ALL,NAME=value", "NONE", "NAME"
  void set_export(const std::string& value) {
    auto& environment = into_.spec.environment;
    std::vector<std::string> kept;
    for (const std::string_view part : split(value, ',')) {
      if (part == "ALL") kept = environment;
      for (const auto& entry : environment)
        if (entry.starts_with(std::string(part) + "=") || (part == "NONE" && entry.starts_with("PATH=")))
          kept.push_back(entry);
      if (const auto equals = part.find('='); equals != part.npos)
        set_variable(kept, part.substr(0, equals), part.substr(equals + 1));
    }
    environment = std::move(kept);
  }

  const std::string_view command_;
  Submission& into_;
  Refusal refusal_;
};

}  // namespace

std::optional<Refusal> read_submission(std::string_view command, const std::vector<std::string>& words,
                                       Submission& into) {
  auto given = read_options(words, rules_of(command), false);
  if (!given.error.empty())
    return Refusal{std::string(command) + ": " + given.error + "\nTry \"" + std::string(command) +
                       " --help\" for more information\n",
                   255};
  OptionReader reader(command, into);
  for (const auto& option : given.options)
    if (auto refusal = reader.take(option)) return refusal;
  into.rest = std::move(given.rest);
  return std::nullopt;
}

std::optional<Refusal> read_script(std::string_view script, Submission& into) {
  for (const auto& line : directives(script, "#SBATCH", true)) {
    if (auto refusal = read_submission("sbatch", line.words, into)) return refusal;
  }
  return std::nullopt;
}

std::optional<Refusal> check(std::string_view command, Submission& submission, Scheduler& scheduler) {
  JobSpec& spec = submission.spec;
  const std::string prefix = std::string(command) + ": error: ";
  const std::string failed = prefix + (command == "sbatch" ? "Batch job submission failed: "
                                       : command == "srun" ? "Unable to allocate resources: "
                                                           : "Job submit/allocate failed: ");
  if (spec.queue.empty()) spec.queue = scheduler.dialect().usual_queue();
  if (scheduler.jobs().find_queue(spec.queue) == nullptr)
    return Refusal{prefix + "invalid partition specified: " + spec.queue + "\n" + failed +
                   "Invalid partition name specified\n"};
  if (spec.account == denied_account)
    return Refusal{failed + "Invalid account or account/partition combination specified\n"};
  if (spec.memory > scheduler.settings().memory)
    return Refusal{prefix + "Memory specification can not be satisfied\n" + failed +
                   "Requested node configuration is not available\n"};
  switch (scheduler.refusal()) {
    case Scheduler::Refusal::none:
      return std::nullopt;
    case Scheduler::Refusal::fault:
      return Refusal{failed + "Socket timed out on send/recv operation\n"};
    case Scheduler::Refusal::too_many:
      return Refusal{prefix + "AssocMaxSubmitJobLimit\n" + failed +
                     "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n"};
  }
  return std::nullopt;
}

std::optional<Milliseconds> parse_time(std::string_view text) {
  const auto dash = text.find('-');
  const auto days = dash == text.npos ? 0 : number(text.substr(0, dash));
  if (!days || *days < 0 || *days > 100'000) return std::nullopt;
  std::vector<std::int64_t> parts;
  for (const std::string_view part : split(dash == text.npos ? text : text.substr(dash + 1), ':')) {
    const auto value = number(part);
    if (!value || *value < 0 || *value > 100'000'000) return std::nullopt;
    parts.push_back(*value);
  }
  if (parts.size() > 3) return std::nullopt;
  if (dash == text.npos && parts.size() < 3) parts.insert(parts.begin(), 0);  // minutes are what stands first
  parts.resize(3);
  return std::chrono::hours(24 * *days + parts[0]) + std::chrono::minutes(parts[1]) + std::chrono::seconds(parts[2]);
}

std::string time_text(Milliseconds time, bool full) {
  const auto seconds = std::max<std::int64_t>(time.count() / 1000, 0);
  const auto days = seconds / 86400, hours = seconds / 3600 % 24;
  std::string text = days > 0 ? std::to_string(days) + "-" : "";
  if (days > 0 || full)
    text += two_digits(hours) + ":" + two_digits(seconds / 60 % 60);
  else if (hours > 0)
    text += std::to_string(hours) + ":" + two_digits(seconds / 60 % 60);
  else
    text += std::to_string(seconds / 60);
  return text + ":" + two_digits(seconds % 60);
}

}  // namespace cohort::fake_scheduler::slurm
