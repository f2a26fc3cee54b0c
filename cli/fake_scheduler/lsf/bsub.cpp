// bsub and blaunch.

#include <algorithm>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "lsf.hpp"

namespace cohort::fake_scheduler::lsf {
namespace {

constexpr DashRule rules[] = {{"J"},  {"n"},   {"o"},    {"oo"},  {"e"},    {"eo"},     {"i"},    {"q"},     {"P"},
                              {"W"},  {"M"},   {"R"},    {"cwd"}, {"K", 0}, {"H", 0},   {"r", 0}, {"rn", 0}, {"env"},
                              {"m"},  {"w"},   {"x", 0}, {"G"},   {"L"},    {"B", 0},   {"N", 0}, {"u"},     {"wa"},
                              {"wt"}, {"gpu"}, {"app"},  {"sp"},  {"We"},   {"outdir"}, {"U"}};

struct Submission {
  JobSpec spec;
  std::vector<int> array_tasks;
  int at_once = 0;
  bool waits = false, queue_given = false;
  std::vector<std::string> rest;
};

// "name[1-3]%2"
bool read_name(const std::string& text, Submission& into) {
  const auto open = text.find('['), close = text.find(']');
  into.spec.name = text.substr(0, open);
  if (open == text.npos) return true;
  if (close == text.npos || close < open) return false;
  auto tasks = parse_range(std::string_view(text).substr(open + 1, close - open - 1));
  if (!tasks) return false;
  into.array_tasks = std::move(*tasks);
  if (const auto percent = text.find('%', close); percent != text.npos)
    into.at_once = static_cast<int>(number(std::string_view(text).substr(percent + 1)).value_or(0));
  return true;
}

// "done(7) && ended(8)"
bool read_dependency(std::string_view text, JobSpec& spec) {
  for (const auto& word : shell_split(text)) {
    if (word == "&&") continue;
    const auto open = word.find('('), close = word.find(')');
    const bool done = word.starts_with("done(");
    if ((!done && !word.starts_with("ended(")) || close == word.npos) return false;
    const auto job = number(std::string_view(word).substr(open + 1, close - open - 1));
    if (!job) return false;
    spec.after.push_back({*job, done});
  }
  return true;
}

// @return why it is refused; empty: it is not.
std::string read(const std::vector<std::string>& words, Submission& into) {
  const auto given = read_dashes(words, rules);
  if (!given.unknown.empty()) return given.unknown.substr(1) + ": Illegal option. Job not submitted.\n";
  if (!given.missing.empty())
    return "bsub: option requires an argument -- " + given.missing.substr(1) + "\nJob not submitted.\n";
  JobSpec& spec = into.spec;
  for (const auto& option : given.options) {
    const std::string& name = option.name;
    if (name == "J" && !read_name(option.value(), into)) return "Bad job array specification. Job not submitted.\n";
    if (name == "o" || name == "oo") {
      spec.output = option.value();
      spec.appends = name == "o";
    }
    if (name == "e" || name == "eo") spec.error = option.value();
    if (name == "i") spec.input = option.value();
    if (name == "P") spec.account = option.value();
    if (name == "cwd") spec.dir = option.value();
    if (name == "K") into.waits = true;
    if (name == "H") spec.held = true;
    if (name == "r" || name == "rn") spec.requeue = name == "r";
    if (name == "wa") spec.warning = JobSpec::Warning{signal_number(option.value()), std::chrono::minutes(1), false};
    if (name == "R" && option.value().find("span[hosts=1]") != std::string::npos) spec.nodes = 1;
    if (name == "w" && !read_dependency(option.value(), spec))
      return "Dependency condition invalid or never satisfied. Job not submitted.\n";
    if (name == "q") {
      spec.queue = option.value();
      into.queue_given = true;
    }
    if (name == "n") {
      const auto tasks = number(split(option.value(), ',').front());
      if (!tasks || *tasks < 1 || *tasks > 100'000) return "Bad argument for option -n. Job not submitted.\n";
      spec.tasks = static_cast<int>(*tasks);
      spec.tasks_given = true;
    }
    // Minutes, or hours and minutes.
    if (name == "W" && !(spec.walltime = parse_clock(split(option.value(), '/').front(), std::chrono::minutes(1))))
      return "Bad RUNLIMIT specification. Job not submitted.\n";
    if (name == "M") spec.memory = parse_memory(option.value(), 1 << 10).value_or(0);
  }
  into.rest = given.rest;
  return "";
}

std::string check(Submission& submission, Scheduler& scheduler) {
  JobSpec& spec = submission.spec;
  if (spec.queue.empty()) spec.queue = scheduler.dialect().usual_queue();
  if (scheduler.jobs().find_queue(spec.queue) == nullptr) return spec.queue + ": No such queue. Job not submitted.\n";
  if (spec.account == "denied") return "User cannot use the project. Job not submitted.\n";
  switch (scheduler.refusal()) {
    case Scheduler::Refusal::fault:
      return "Failed in an LSF library call: Communication time out. Job not submitted.\n";
    case Scheduler::Refusal::too_many:
      return "User's pending job threshold has been reached. Job not submitted.\n";
    case Scheduler::Refusal::none:
      break;
  }
  return "";
}

void submit(const std::shared_ptr<Call>& call, Scheduler& scheduler, std::string script, const std::string& command) {
  Submission submission;
  submission.spec = spec_of(call->request());
  JobSpec& spec = submission.spec;
  spec.environment = call->request().environment;
  spec.requeue = false;
  std::string wrong;
  for (const auto& line : directives(script, "#BSUB", false))
    if (wrong.empty()) wrong = read(line.words, submission);
  if (wrong.empty()) wrong = read(call->arguments(), submission);
  if (wrong.empty()) wrong = check(submission, scheduler);
  if (!wrong.empty()) return call->answer({"", wrong, 255});
  if (spec.name.empty()) spec.name = command;
  spec.script = std::move(script);
  const auto jobs = scheduler.submit(spec, submission.array_tasks, submission.at_once);
  call->out("Job <" + std::to_string(jobs.front()->number) + "> is submitted to " +
            (submission.queue_given ? "" : "default ") + "queue <" + spec.queue + ">.\n");
  if (!submission.waits) return call->exit(0);
  call->err("<<Waiting for dispatch ...>>\n");
  auto left = std::make_shared<std::size_t>(jobs.size());
  auto worst = std::make_shared<int>(0);
  for (const Job* job : jobs)
    when_ended(scheduler, *job, [call, left, worst](const Job& ended) {
      *worst = std::max(*worst, shell_code(ended.status.wait_status));
      if (--*left > 0) return;
      call->err("<<Job is finished>>\n");
      call->exit(*worst);
    });
}

}  // namespace

void bsub(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  Submission first;
  if (const auto wrong = read(call->arguments(), first); !wrong.empty()) return call->answer({"", wrong, 255});
  if (!first.rest.empty()) {
    const std::string command = joined(first.rest, " ");
    return submit(call, scheduler, "#!/bin/sh\n" + command + "\n", command);
  }
  call->read_whole_input([call, &scheduler](std::string script) {
    if (trimmed(script).empty()) return call->answer({"", "No command is specified. Job not submitted.\n", 255});
    std::string first_line(trimmed(script.substr(0, script.find('\n'))));
    submit(call, scheduler, std::move(script), first_line);
  });
}

void blaunch(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  const Request& request = call->request();
  constexpr DashRule options[] = {{"n", 0}, {"no-shell", 0}, {"use-login-shell", 0}, {"z"}, {"u"}};
  const auto given = read_dashes(call->arguments(), options);
  const auto id = number(request.variable("LSB_JOBID").value_or(""));
  const auto index = number(request.variable("LSB_JOBINDEX").value_or("0")).value_or(0);
  Job* job = !id         ? nullptr
             : index > 0 ? scheduler.jobs().find(*id, static_cast<int>(index))
                         : scheduler.jobs().find(*id);
  if (job == nullptr) return call->answer({"", "blaunch: Failed in an LSF library call: LSB_JOBID is not set\n", 255});
  std::vector<std::string> hosts, command = given.rest;
  for (const auto& option : given.options)
    if (option.name == "z")
      for (const auto& host : shell_split(option.value())) hosts.push_back(host);
  if (hosts.empty() && !command.empty()) {
    hosts.push_back(command.front());
    command.erase(command.begin());
  }
  if (command.empty())
    return call->answer({"", "Usage: blaunch [-n] [-z \"host ...\"] [host] command [argument ...]\n", 255});
  RemoteTasks tasks;
  tasks.command = {"/bin/sh", "-c", joined(command, " ")};
  for (const auto& host : hosts) {
    if (std::ranges::find(job->status.places, host, &Place::host) == job->status.places.end())
      return call->answer({"", host + ": Host is not allocated to the job\n", 255});
    tasks.places.push_back({host, 1, 1});
  }
  tasks.environment = request.environment;
  tasks.task_environment = [](int, const Place& place, int) {
    return std::vector<std::string>{"HOSTNAME=" + place.host};
  };
  run_tasks(call, scheduler, *job, std::move(tasks));
}

}  // namespace cohort::fake_scheduler::lsf
