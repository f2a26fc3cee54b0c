#include <algorithm>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "description.hpp"
#include "htcondor.hpp"

namespace cohort::fake_scheduler::htcondor {
namespace {

constexpr DashRule rules[] = {{"terse", 0}, {"file"},  {"batch-name"}, {"append"},    {"a"},
                              {"name"},     {"queue"}, {"spool", 0},   {"verbose", 0}};

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

void submit(const std::shared_ptr<Call>& call, Scheduler& scheduler, const GivenDashes& given, std::string text) {
  const Request& request = call->request();
  for (const auto& option : given.options)
    if (option.name == "append" || option.name == "a") text = option.value() + "\n" + text;
  std::string error;
  auto description = parse_description(text, error);
  if (!description) return call->answer({"", error, 1});
  const auto value = [&](std::string_view name) { return description->value(name, 0, 0); };
  JobSpec spec = spec_of(request);
  spec.environment = login_environment(request);
  if (description->is_true("getenv")) spec.environment = request.environment;
  for (const auto& entry : parse_arguments(value("environment"))) set_variables(spec.environment, entry, request);
  if (const auto dir = value("initialdir"); !dir.empty()) spec.dir = dir.starts_with('/') ? dir : spec.dir + "/" + dir;
  spec.name = unquoted(value("batch_name"));
  if (spec.name.empty()) spec.name = unquoted(value("my.jobbatchname"));
  for (const auto& option : given.options)
    if (option.name == "batch-name") spec.name = option.value();
  spec.queue = scheduler.dialect().usual_queue();
  spec.account = value("accounting_group");
  spec.held = description->is_true("hold");
  spec.cpus_per_task =
      static_cast<int>(std::clamp<std::int64_t>(number(value("request_cpus")).value_or(1), 1, 100'000));
  spec.memory = parse_memory(value("request_memory"), std::uint64_t{1} << 20).value_or(0);
  for (const char* name : {"allowed_execute_duration", "allowed_job_duration"})
    if (const auto seconds = number(value(name)); seconds && *seconds > 0)
      spec.walltime = std::chrono::seconds(*seconds);
  // $(Process) differs, so the description itself goes with the jobs.
  spec.more.emplace_back("description", text);
  if (spec.account == "denied")
    return call->answer(
        {"",
         "ERROR: Failed to commit job submission into the queue.\nERROR: accounting_group denied is not permitted\n",
         1});
  switch (scheduler.refusal()) {
    case Scheduler::Refusal::fault:
      return call->answer(
          {"", "ERROR: Failed to connect to local queue manager\nCEDAR:6001:Failed to connect to <127.0.0.1:9618>\n",
           1});
    case Scheduler::Refusal::too_many:
      return call->answer(
          {"", "ERROR: Failed to create proc\nNumber of submitted jobs would exceed MAX_JOBS_SUBMITTED\n", 1});
    case Scheduler::Refusal::none:
      break;
  }
  std::vector<int> processes;
  for (int i = 0; i < description->processes; i++) processes.push_back(i);
  const auto jobs = scheduler.submit(spec, processes);
  const std::string cluster = std::to_string(jobs.front()->part.array);
  const bool terse = std::ranges::find(given.options, "terse", &GivenDash::name) != given.options.end();
  if (terse)
    call->out(cluster + ".0 - " + cluster + "." + std::to_string(jobs.size() - 1) + "\n");
  else
    call->out("Submitting job(s)" + std::string(jobs.size(), '.') + "\n" + std::to_string(jobs.size()) +
              " job(s) submitted to cluster " + cluster + ".\n");
  call->exit(0);
}

}  // namespace

void condor_submit(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  const auto given = std::make_shared<GivenDashes>(read_dashes(call->arguments(), rules, true));
  if (!given->unknown.empty()) return call->answer({"", "ERROR: Unknown option: " + given->unknown + "\n", 1});
  std::string file = given->rest.empty() ? "" : given->rest[0];
  for (const auto& option : given->options)
    if (option.name == "file") file = option.value();
  if (file.empty() || file == "-")
    return call->read_whole_input(
        [call, &scheduler, given](std::string text) { submit(call, scheduler, *given, std::move(text)); });
  const auto text = read_text(file.starts_with('/') ? file : call->request().dir + "/" + file);
  if (!text) return call->answer({"", "ERROR: Failed to open command file (No such file or directory)\n", 1});
  submit(call, scheduler, *given, *text);
}

}  // namespace cohort::fake_scheduler::htcondor
