// qsub and pbsdsh.

#include <algorithm>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "pbs.hpp"

namespace cohort::fake_scheduler::pbs {
namespace {

constexpr DashRule rules[] = {{"N"}, {"o"}, {"e"},    {"j"}, {"l"}, {"q"},    {"A"}, {"P"},    {"J"},
                              {"t"}, {"S"}, {"V", 0}, {"v"}, {"W"}, {"h", 0}, {"r"}, {"k"},    {"m"},
                              {"M"}, {"d"}, {"w"},    {"a"}, {"c"}, {"p"},    {"u"}, {"z", 0}, {"-version", 0}};
constexpr DashRule pbsdsh_rules[] = {{"n"}, {"c"}, {"v", 0}, {"s", 0}, {"o", 0}};

struct Submission {
  JobSpec spec;
  std::vector<int> array_tasks;
  int at_once = 0;
  bool blocks = false, prints_no_id = false, wants_version = false;
  std::string joins = "n";
  std::vector<std::string> rest;
};

struct Refusal {
  std::string text;
  int code = 1;
};

int count_in(std::string_view text) {
  return static_cast<int>(std::clamp<std::int64_t>(number(text).value_or(1), 1, 100'000));
}

// "2:ncpus=4:mpiprocs=2:mem=1gb", and the same for nodes=2:ppn=4.
void read_chunks(std::string_view text, JobSpec& spec, bool is_select) {
  const auto parts = split(text, ':');
  const int chunks = count_in(parts[0]);
  int cpus = 1, processes = 1;
  for (const auto part : parts) {
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals),
               value = equals == part.npos ? std::string_view() : part.substr(equals + 1);
    if (name == "ncpus") cpus = count_in(value);
    if (name == "ppn") cpus = processes = count_in(value);
    if (name == "mpiprocs") processes = count_in(value);
    if (name == "mem") spec.memory = parse_memory(value, 1).value_or(0);
  }
  spec.tasks = chunks * processes;
  spec.tasks_given = true;
  spec.cpus_per_task = std::max(1, cpus / processes);
  spec.nodes = is_select ? 0 : chunks;
  spec.tasks_per_node = is_select ? 0 : processes;
}

// "depend=afterok:7.fake:8,block=true"
bool read_dependency(std::string_view text, JobSpec& spec) {
  constexpr std::string_view mark = "depend=";
  const auto at = text.find(mark);
  if (at == text.npos) return true;
  for (const std::string_view part : split(text.substr(at + mark.size()), ',')) {
    const auto words = split(part, ':');
    if (words[0] != "afterok" && words[0] != "afterany") return part.find('=') != part.npos;  // another attribute
    for (std::size_t i = 1; i < words.size(); i++) {
      const auto id = parse_id(words[i]);
      if (!id) return false;
      spec.after.push_back({id->number, words[0] == "afterok"});
    }
  }
  return true;
}

bool read_resources(const std::string& list, JobSpec& spec) {
  for (const std::string_view part : split(list, ',')) {
    const auto equals = part.find('=');
    if (equals == part.npos) continue;
    const auto name = part.substr(0, equals), value = part.substr(equals + 1);
    if (name == "walltime" && !(spec.walltime = parse_clock(value, std::chrono::seconds(1)))) return false;
    if (name == "select" || name == "nodes") read_chunks(value, spec, name == "select");
    if (name == "ncpus") spec.cpus_per_task = count_in(value);
    if (name == "mem") spec.memory = parse_memory(value, 1).value_or(0);
  }
  return true;
}

std::optional<Refusal> read(const std::vector<std::string>& words, const Request& request, Submission& into) {
  const auto given = read_dashes(words, rules);
  if (!given.unknown.empty())
    return Refusal{"qsub: invalid option -- '" + given.unknown.substr(1, 1) + "'\nusage: qsub [options] [script]\n", 2};
  if (!given.missing.empty())
    return Refusal{"qsub: option requires an argument -- '" + given.missing.substr(1) + "'\n", 2};
  JobSpec& spec = into.spec;
  for (const auto& option : given.options) {
    const std::string& name = option.name;
    if (name == "N") spec.name = option.value();
    if (name == "o") spec.output = option.value();
    if (name == "e") spec.error = option.value();
    if (name == "j") into.joins = option.value();
    if (name == "q") spec.queue = option.value().substr(0, option.value().find('@'));
    if (name == "A" || name == "P") spec.account = option.value();
    if (name == "S") spec.more.emplace_back("shell", option.value());
    if (name == "V") spec.environment = request.environment;
    if (name == "v") set_variables(spec.environment, option.value(), request);
    if (name == "h") spec.held = true;
    if (name == "r") spec.requeue = option.value().starts_with('y');
    if (name == "d" || name == "w") spec.dir = option.value();
    if (name == "W" && !read_dependency(option.value(), spec)) return Refusal{"qsub: illegal -W value\n", 2};
    if (name == "W") into.blocks = into.blocks || option.value().find("block=true") != std::string::npos;
    if (name == "z") into.prints_no_id = true;
    if (name == "-version") into.wants_version = true;
    if (name == "l" && !read_resources(option.value(), spec))
      return Refusal{"qsub: Illegal attribute or resource value\n", 170};
    if (name == "J" || name == "t") {
      const auto percent = option.value().find('%');
      auto tasks = parse_range(std::string_view(option.value()).substr(0, percent));
      if (!tasks) return Refusal{"qsub: illegal -" + name + " value\n", 2};
      into.array_tasks = std::move(*tasks);
      if (percent != std::string::npos) into.at_once = count_in(std::string_view(option.value()).substr(percent + 1));
    }
  }
  into.rest = given.rest;
  return std::nullopt;
}

std::optional<Refusal> check(Submission& submission, Scheduler& scheduler) {
  JobSpec& spec = submission.spec;
  if (spec.queue.empty()) spec.queue = scheduler.dialect().usual_queue();
  if (scheduler.jobs().find_queue(spec.queue) == nullptr) return Refusal{"qsub: Unknown queue\n", 170};
  if (spec.account == "denied") return Refusal{"qsub: Invalid account\n", 159};
  switch (scheduler.refusal()) {
    case Scheduler::Refusal::fault:
      return Refusal{
          std::string("Connection timed out\nqsub: cannot connect to server ") + server_name + " (errno=110)\n", 110};
    case Scheduler::Refusal::too_many:
      return Refusal{"qsub: Maximum number of jobs already in queue\n", 184};
    case Scheduler::Refusal::none:
      break;
  }
  return std::nullopt;
}

void submit(const std::shared_ptr<Call>& call, Scheduler& scheduler, const std::string& name, std::string script) {
  const Request& request = call->request();
  Submission submission;
  submission.spec = spec_of(request);
  JobSpec& spec = submission.spec;
  spec.dir = home_of(request);
  spec.environment = login_environment(request);
  spec.name = name;
  std::optional<Refusal> refusal;
  for (const auto& line : directives(script, "#PBS", true))
    if (!refusal) refusal = read(line.words, request, submission);
  if (!refusal) refusal = read(call->arguments(), request, submission);
  if (!refusal) refusal = check(submission, scheduler);
  if (refusal) return call->answer({"", refusal->text, refusal->code});
  spec.more.emplace_back("joins", submission.joins);
  for (const char* variable : {"HOME", "LOGNAME", "PATH", "SHELL", "LANG"})
    if (const auto value = request.variable(variable))
      set_variable(spec.environment, std::string("PBS_O_") + variable, *value);
  spec.script = std::move(script);
  const auto jobs = scheduler.submit(spec, submission.array_tasks, submission.at_once);
  const std::string id = submission.array_tasks.empty() ? id_of(*jobs.front())
                                                        : std::to_string(jobs.front()->number) + "[]." + server_name;
  if (!submission.prints_no_id) call->out(id + "\n");
  if (!submission.blocks) return call->exit(0);
  auto left = std::make_shared<std::size_t>(jobs.size());
  auto worst = std::make_shared<int>(0);
  for (const Job* job : jobs)
    when_ended(scheduler, *job, [call, left, worst](const Job& ended) {
      *worst = std::max(*worst, shell_code(ended.status.wait_status));
      if (--*left == 0) call->exit(*worst);
    });
}

}  // namespace

void qsub(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  Submission first;
  if (const auto refusal = read(call->arguments(), call->request(), first))
    return call->answer({"", refusal->text, refusal->code});
  if (first.wants_version) return call->answer({"pbs_version = 20.0.1\n", "", 0});
  if (first.rest.empty())
    return call->read_whole_input(
        [call, &scheduler](std::string script) { submit(call, scheduler, "STDIN", std::move(script)); });
  const std::string& file = first.rest[0];
  const auto& words = call->arguments();
  if (std::ranges::find(words, "--") != words.end())
    return submit(call, scheduler, "STDIN", "#!/bin/sh\nexec " + joined(first.rest, " ") + "\n");
  auto script = read_text(file.starts_with('/') ? file : call->request().dir + "/" + file);
  if (!script)
    return call->answer({"", "qsub: script file '" + file + "' cannot be loaded - No such file or directory\n", 1});
  submit(call, scheduler, file.substr(file.rfind('/') + 1), std::move(*script));
}

// One process on each line of PBS_NODEFILE, or on one of them, by its number.
void pbsdsh(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  const Request& request = call->request();
  const auto given = read_dashes(call->arguments(), pbsdsh_rules);
  const auto wanted = parse_id(request.variable("PBS_JOBID").value_or(""));
  Job* job = nullptr;
  if (wanted)
    job = wanted->task ? scheduler.jobs().find(wanted->number, *wanted->task) : scheduler.jobs().find(wanted->number);
  if (job == nullptr) return call->answer({"", "pbsdsh: tm_init failed, rc = TM_ESYSTEM (17000)\n", 1});
  if (given.rest.empty() || !given.unknown.empty())
    return call->answer({"", "Usage: pbsdsh [-c copies] [-n node_index] [-o] [-s] [-v] program [args]\n", 1});
  std::vector<std::string> slots;
  for (const auto& place : job->status.places)
    slots.insert(slots.end(), static_cast<std::size_t>(place.tasks), place.host);
  int first = 0, last = static_cast<int>(slots.size()) - 1;
  for (const auto& option : given.options) {
    if (option.name == "c") last = std::min(last, count_in(option.value()) - 1);
    if (option.name != "n") continue;
    const auto index = number(option.value());
    if (!index || *index < 0 || *index > last)
      return call->answer({"", "pbsdsh: only " + std::to_string(slots.size()) + " nodes available\n", 1});
    first = last = static_cast<int>(*index);
  }
  RemoteTasks tasks;
  tasks.command = given.rest;
  for (int i = first; i <= last; i++) {
    const auto& host = slots[static_cast<std::size_t>(i)];
    if (!tasks.places.empty() && tasks.places.back().host == host)
      tasks.places.back().tasks++;
    else
      tasks.places.push_back({host, 1, 1});
  }
  tasks.environment = request.environment;
  tasks.task_environment = [first](int task, const Place& place, int) {
    return std::vector<std::string>{"PBS_NODENUM=" + std::to_string(first + task),
                                    "PBS_VNODENUM=" + std::to_string(first + task),
                                    "PBS_TASKNUM=" + std::to_string(task + 2), "HOSTNAME=" + place.host};
  };
  run_tasks(call, scheduler, *job, std::move(tasks));
}

}  // namespace cohort::fake_scheduler::pbs
