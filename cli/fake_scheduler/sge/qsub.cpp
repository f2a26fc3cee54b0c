// qsub and qrsh.

#include <algorithm>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "sge.hpp"

namespace cohort::fake_scheduler::sge {
namespace {

constexpr DashRule rules[] = {
    {"N"},          {"o"},          {"e"},          {"i"},          {"j"},        {"t"},       {"tc"},
    {"pe", 2},      {"q"},          {"P"},          {"l"},          {"S"},        {"cwd", 0},  {"wd"},
    {"V", 0},       {"v"},          {"terse", 0},   {"sync"},       {"b"},        {"h", 0},    {"r"},
    {"notify", 0},  {"p"},          {"m"},          {"M"},          {"hold_jid"}, {"R"},       {"w"},
    {"A"},          {"a"},          {"shell"},      {"clear", 0},   {"now"},      {"hard", 0}, {"soft", 0},
    {"inherit", 0}, {"nostdin", 0}, {"noshell", 0}, {"verbose", 0},
};

struct Submission {
  JobSpec spec;
  std::vector<int> array_tasks;
  int at_once = 0;
  bool terse = false, sync = false, binary = false, joins = false;
  std::vector<std::string> rest;
};

std::string rejected(const std::string& why) { return "Unable to run job: " + why + ".\nExiting.\n"; }

// "h_rt=3600,h_vmem=2G"; what it does not know is no limit.
std::string read_resources(std::string_view list, JobSpec& spec) {
  for (const std::string_view part : split(list, ',')) {
    const auto equals = part.find('=');
    if (equals == part.npos) continue;
    const auto name = part.substr(0, equals), value = part.substr(equals + 1);
    if (name == "h_rt" && !(spec.walltime = parse_clock(value, std::chrono::seconds(1))))
      return "Numerical value invalid!\nThe initial portion of string \"" + std::string(value) +
             "\" contains no decimal number\n";
    if (name == "h_vmem") spec.memory = parse_memory(value, 1).value_or(0);
  }
  spec.more.emplace_back("resources", std::string(list));
  return "";
}

// @return why it is refused; empty: it is not.
std::string read(const std::vector<std::string>& words, const Request& request, Submission& into) {
  const auto given = read_dashes(words, rules);
  if (!given.unknown.empty()) return "qsub: Unknown option " + given.unknown + "\n";
  if (!given.missing.empty()) return "qsub: ERROR! " + given.missing + " option must have argument\n";
  JobSpec& spec = into.spec;
  for (const auto& option : given.options) {
    const std::string& name = option.name;
    if (name == "N") spec.name = option.value();
    if (name == "o") spec.output = option.value();
    if (name == "e") spec.error = option.value();
    if (name == "i") spec.input = option.value();
    if (name == "j") into.joins = option.value().starts_with('y');
    if (name == "q") spec.queue = option.value();
    if (name == "P") spec.account = option.value();
    if (name == "cwd") spec.dir = request.dir;
    if (name == "wd") spec.dir = option.value();
    if (name == "V") spec.environment = request.environment;
    if (name == "v") set_variables(spec.environment, option.value(), request);
    if (name == "terse") into.terse = true;
    if (name == "sync") into.sync = option.value().starts_with('y');
    if (name == "b") into.binary = option.value().starts_with('y');
    if (name == "h") spec.held = true;
    if (name == "r") spec.requeue = option.value().starts_with('y');
    if (name == "S") spec.more.emplace_back("shell", option.value());
    if (name == "hold_jid")
      for (const auto id : split(option.value(), ','))
        if (const auto job = number(id)) spec.after.push_back({*job, false});
    if (name == "tc") into.at_once = static_cast<int>(number(option.value()).value_or(0));
    if (name == "l")
      if (auto wrong = read_resources(option.value(), spec); !wrong.empty()) return wrong;
    if (name == "t") {
      auto tasks = parse_range(option.value());
      if (!tasks || tasks->front() < 1)
        return "qsub: ERROR! The initial portion of string \"" + option.value() + "\" contains no decimal number\n";
      into.array_tasks = std::move(*tasks);
    }
    if (name == "pe") {
      const auto slots = number(split(option.values[1], '-').front());
      if (!slots || *slots < 1 || *slots > 100'000) return "qsub: ERROR! Numerical value invalid!\n";
      if (option.values[0] != "smp" && option.values[0] != "mpi")
        return rejected("job rejected: the requested parallel environment \"" + option.values[0] + "\" does not exist");
      spec.tasks = static_cast<int>(*slots);
      spec.tasks_given = true;
      spec.nodes = option.values[0] == "smp" ? 1 : 0;
      spec.more.emplace_back("pe", option.values[0]);
    }
  }
  into.rest = given.rest;
  return "";
}

std::string check(Submission& submission, Scheduler& scheduler) {
  JobSpec& spec = submission.spec;
  if (spec.queue.empty()) spec.queue = scheduler.dialect().usual_queue();
  const std::string queue = spec.queue.substr(0, spec.queue.find('@'));
  if (scheduler.jobs().find_queue(queue) == nullptr)
    return rejected("Job was rejected because job requests unknown queue \"" + spec.queue + "\"");
  spec.queue = queue;
  if (spec.account == "denied") return rejected("job rejected: project \"denied\" does not exist");
  switch (scheduler.refusal()) {
    case Scheduler::Refusal::fault:
      return rejected("failed receiving gdi request response for mid=1 (got syncron message receive timeout error)");
    case Scheduler::Refusal::too_many:
      return rejected("job rejected: Only " + std::to_string(scheduler.faults().queued_jobs) +
                      " jobs are allowed per user (current job count: " + std::to_string(scheduler.jobs().waiting()) +
                      ")");
    case Scheduler::Refusal::none:
      break;
  }
  return "";
}

void wait_for_end(const std::shared_ptr<Call>& call, Scheduler& scheduler, const std::vector<Job*>& jobs) {
  auto left = std::make_shared<std::size_t>(jobs.size());
  auto worst = std::make_shared<int>(0);
  for (const Job* job : jobs) {
    when_ended(scheduler, *job, [call, left, worst](const Job& ended) {
      const int code = shell_code(ended.status.wait_status);
      *worst = std::max(*worst, code);
      const std::string task = ended.part.array == 0 ? ""
                                                     : "-array task " + std::to_string(shown_number(ended)) + "." +
                                                           std::to_string(ended.part.task);
      call->out("Job" + (task.empty() ? " " + std::to_string(ended.number) : task) + " exited with exit code " +
                std::to_string(code) + ".\n");
      if (--*left == 0) call->exit(*worst);
    });
  }
}

void submit(const std::shared_ptr<Call>& call, Scheduler& scheduler, const std::string& name, std::string script,
            const std::vector<std::string>& script_arguments) {
  const Request& request = call->request();
  Submission submission;
  submission.spec = spec_of(request);
  JobSpec& spec = submission.spec;
  spec.dir = home_of(request);
  spec.environment = login_environment(request);
  spec.name = name;
  spec.requeue = false;
  spec.appends = true;
  std::string wrong;
  for (const auto& line : directives(script, "#$", false))
    if (wrong.empty()) wrong = read(line.words, request, submission);
  if (wrong.empty()) wrong = read(call->arguments(), request, submission);
  if (wrong.empty()) wrong = check(submission, scheduler);
  if (!wrong.empty()) return call->answer({"", wrong, 1});
  spec.more.emplace_back("joins", submission.joins ? "y" : "n");
  spec.script = std::move(script);
  spec.arguments = script_arguments;
  const auto jobs = scheduler.submit(spec, submission.array_tasks, submission.at_once);
  std::string id = std::to_string(jobs.front()->number);
  const bool is_array = !submission.array_tasks.empty();
  if (is_array) {
    const ArrayPart& part = jobs.front()->part;
    id += "." + std::to_string(part.first) + "-" + std::to_string(part.last) + ":" + std::to_string(part.step);
  }
  if (submission.terse)
    call->out(id + "\n");
  else
    call->out("Your job" + std::string(is_array ? "-array" : "") + " " + id + " (\"" + spec.name +
              "\") has been submitted\n");
  if (submission.sync) return wait_for_end(call, scheduler, jobs);
  call->exit(0);
}

}  // namespace

JobNumber shown_number(const Job& job) { return job.part.array != 0 ? job.part.array : job.number; }

void qsub(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  Submission first;
  if (const auto wrong = read(call->arguments(), call->request(), first); !wrong.empty())
    return call->answer({"", wrong, 1});
  if (first.rest.empty())
    return call->read_whole_input(
        [call, &scheduler](std::string script) { submit(call, scheduler, "STDIN", std::move(script), {}); });
  const std::string& file = first.rest[0];
  const std::string name = file.substr(file.rfind('/') + 1);
  if (first.binary) {
    // The user's shell reads the words.
    return submit(call, scheduler, name, joined(first.rest, " ") + "\n", {});
  }
  auto script = read_text(file.starts_with('/') ? file : call->request().dir + "/" + file);
  if (!script) return call->answer({"", rejected("error opening " + file + ": No such file or directory"), 1});
  submit(call, scheduler, name, std::move(*script), {first.rest.begin() + 1, first.rest.end()});
}

void qrsh(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  const Request& request = call->request();
  const auto given = read_dashes(call->arguments(), rules);
  const auto has = [&](std::string_view name) {
    return std::ranges::find(given.options, name, &GivenDash::name) != given.options.end();
  };
  if (!given.unknown.empty()) return call->answer({"", "qrsh: Unknown option " + given.unknown + "\n", 1});
  if (!has("inherit")) return call->answer({"", "qrsh: a fake scheduler has only qrsh -inherit, within a job\n", 1});
  const auto number_of_job = number(request.variable("JOB_ID").value_or(""));
  const auto task = number(request.variable("SGE_TASK_ID").value_or(""));
  Job* job = !number_of_job ? nullptr
             : task         ? scheduler.jobs().find(*number_of_job, static_cast<int>(*task))
                            : scheduler.jobs().find(*number_of_job);
  if (job == nullptr || given.rest.size() < 2)
    return call->answer(
        {"", job == nullptr ? "error: executing task of job failed: no such job\n" : "qrsh: which command?\n", 1});
  const auto place = std::ranges::find(job->status.places, given.rest[0], &Place::host);
  if (place == job->status.places.end())
    return call->answer({"",
                         "error: executing task of job " + std::to_string(*number_of_job) +
                             " failed: failed sending task to execd@" + given.rest[0] + ": can't find connection\n",
                         1});
  RemoteTasks tasks;
  tasks.command.assign(given.rest.begin() + 1, given.rest.end());
  // A shell on the other host reads the words.
  tasks.command = {"/bin/sh", "-c", joined(tasks.command, " ")};
  tasks.places = {{place->host, 1, 1}};
  tasks.environment = request.environment;
  set_variable(tasks.environment, "HOSTNAME", place->host);
  tasks.task_environment = [](int, const Place&, int) { return std::vector<std::string>{}; };
  tasks.has_input = !has("nostdin");
  run_tasks(call, scheduler, *job, std::move(tasks));
}

}  // namespace cohort::fake_scheduler::sge
