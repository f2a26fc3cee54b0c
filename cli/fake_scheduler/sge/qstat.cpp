// qstat, qdel, qacct.

#include <algorithm>
#include <map>
#include <set>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "sge.hpp"

namespace cohort::fake_scheduler::sge {
namespace {

constexpr DashRule qstat_rules[] = {{"g"},    {"u"},      {"j"},    {"s"},      {"q"},
                                    {"f", 0}, {"ext", 0}, {"r", 0}, {"pri", 0}, {"t", 0}};
constexpr DashRule qdel_rules[] = {{"f", 0}, {"u"}, {"t"}};
constexpr std::string_view line_of_equals = "==============================================================\n";

std::string_view state_letters(const Job& job, const JobStatus& status) {
  switch (status.state) {
    case State::pending:
      return status.reason == "JobHeldUser" || status.reason == "Dependency" ? "hqw" : job.restarts > 0 ? "Rq" : "qw";
    case State::completing:
      return "dr";
    default:
      return job.restarts > 0 ? "Rr" : "r";
  }
}

std::string table_line(const Job& job, const JobStatus& status, const std::string& tasks) {
  const bool waits = status.state == State::pending;
  const std::string queue = waits ? "" : job.spec->queue + "@" + status.places.front().host;
  return right_aligned(std::to_string(shown_number(job)), 7) + " 0.50000 " +
         left_aligned(job.spec->name.substr(0, 10), 10) + " " + left_aligned(job.spec->user.substr(0, 12), 12) + " " +
         left_aligned(state_letters(job, status), 5) + " " +
         date_text(status.start.value_or(job.submitted), "%m/%d/%Y %H:%M:%S") + " " +
         left_aligned(queue.substr(0, 30), 30) + " " + right_aligned(std::to_string(job.spec->tasks), 5) + " " + tasks +
         "\n";
}

// Running parts of an array have a line each, those that wait together one, but with -g d.
std::string table(const std::vector<JobView>& views, bool single) {
  std::string lines;
  for (std::size_t i = 0; i < views.size(); i++) {
    const auto& [job, status] = views[i];
    if (has_ended(status.state)) continue;
    std::string tasks = job->part.array == 0 ? "" : std::to_string(job->part.task);
    std::size_t last = i;
    if (!single && job->part.array != 0 && status.state == State::pending)
      while (last + 1 < views.size() && views[last + 1].job->part.array == job->part.array &&
             views[last + 1].status.state == State::pending)
        last++;
    if (last > i) tasks += "-" + std::to_string(views[last].job->part.task) + ":" + std::to_string(job->part.step);
    lines += table_line(*job, status, tasks);
    i = last;
  }
  if (lines.empty()) return "";
  return "job-ID  prior   name       user         state submit/start at     queue                          slots "
         "ja-task-ID \n" +
         std::string(113, '-') + "\n" + lines;
}

std::string why_it_waits(const Job& job, const JobStatus& status) {
  if (status.reason == "JobHeldUser") return "Job is in hold state";
  if (status.reason == "PartitionDown")
    return "queue instance \"" + job.spec->queue + "@n1\" dropped because it is disabled";
  if (status.reason == "PartitionConfig" && job.spec->tasks > 1)
    return "cannot run in PE \"" + job.spec->value("pe") + "\" because it only offers 0 slots";
  return "queue instance \"" + job.spec->queue + "@n1\" dropped because it is full";
}

Answer describe(const std::string& list, const std::vector<JobView>& views) {
  Answer answer;
  std::string unknown;
  for (const std::string_view id : split(list, ',')) {
    const auto found = std::ranges::find_if(views, [&](const JobView& view) {
      return !has_ended(view.status.state) &&
             (id == std::to_string(shown_number(*view.job)) || id == view.job->spec->name);
    });
    if (found == views.end()) {
      unknown += std::string(id) + ", ";
      continue;
    }
    const auto& [job, status] = *found;
    const JobSpec& spec = *job->spec;
    answer.out += std::string(line_of_equals) + "job_number:                 " + std::to_string(shown_number(*job)) +
                  "\nowner:                      " + spec.user +
                  "\nsge_o_workdir:              " + spec.value("submit_dir") +
                  "\njob_name:                   " + spec.name + "\n";
    if (!spec.value("pe").empty())
      answer.out += "parallel environment:  " + spec.value("pe") + " range: " + std::to_string(spec.tasks) + "\n";
    if (!spec.value("resources").empty()) answer.out += "hard resource_list:         " + spec.value("resources") + "\n";
    if (status.state == State::pending)
      answer.out += "scheduling info:            " + why_it_waits(*job, status) + "\n";
  }
  if (!unknown.empty())
    answer = {answer.out, "Following jobs do not exist: \n" + unknown.substr(0, unknown.size() - 2) + "\n", 1};
  return answer;
}

std::string record_line(std::string_view name, const std::string& value) {
  return left_aligned(name, 13) + left_aligned(value, 20) + "\n";
}

std::string record(const Job& job, const JobStatus& status) {
  const JobSpec& spec = *job.spec;
  const int code = shell_code(status.wait_status);
  const bool killed = status.state != State::completed && status.state != State::failed;
  std::string category;
  if (!spec.value("resources").empty()) category += "-l " + spec.value("resources");
  if (!spec.value("pe").empty())
    category += (category.empty() ? "" : " ") + ("-pe " + spec.value("pe")) + " " + std::to_string(spec.tasks);
  const auto wallclock = std::chrono::ceil<std::chrono::seconds>(*status.end - *status.start).count();
  std::string text(line_of_equals);
  text += record_line("qname", spec.queue);
  text += record_line("hostname", status.places.front().host);
  text += record_line("owner", spec.user);
  text += record_line("jobname", spec.name);
  text += record_line("jobnumber", std::to_string(shown_number(job)));
  text += record_line("taskid", job.part.array == 0 ? "undefined" : std::to_string(job.part.task));
  text += record_line("slots", std::to_string(spec.tasks));
  text += record_line("qsub_time", date_text(job.submitted, "%a %b %d %H:%M:%S %Y"));
  text += record_line("start_time", date_text(*status.start, "%a %b %d %H:%M:%S %Y"));
  text += record_line("end_time", date_text(*status.end, "%a %b %d %H:%M:%S %Y"));
  text += record_line("failed", killed ? "100 : assumedly after job" : "0    ");
  text += record_line("exit_status", std::to_string(killed && code == 0 ? 137 : code));
  text += record_line("ru_wallclock", std::to_string(wallclock) + "s");
  text += record_line("maxvmem",
                      status.state == State::out_of_memory ? std::to_string(spec.memory >> 20) + ".000MB" : "3.363MB");
  text += record_line("category", category.empty() ? "NONE" : category);
  return text;
}

}  // namespace

Answer qstat(const std::vector<std::string>& arguments, const std::vector<JobView>& views) {
  const auto given = read_dashes(arguments, qstat_rules, true);
  if (!given.unknown.empty()) return {"", "qstat: Unknown option " + given.unknown + "\n", 1};
  bool single = false;
  for (const auto& option : given.options) {
    if (option.name == "j") return describe(option.value(), views);
    if (option.name == "g") single = option.value() == "d";
  }
  return {table(views, single), "", 0};
}

Answer qdel(const std::vector<std::string>& arguments, Scheduler& scheduler) {
  const auto given = read_dashes(arguments, qdel_rules, true);
  if (!given.unknown.empty()) return {"", "qdel: Unknown option " + given.unknown + "\n", 1};
  Answer answer;
  std::string user;
  for (const auto& option : given.options)
    if (option.name == "u") user = option.value();
  if (given.rest.empty() && user.empty()) return {"", "qdel: which jobs?\n", 1};
  const auto remove = [&](Job& job, const std::string& by) {
    const std::string task =
        job.part.array == 0 ? " job " + std::to_string(job.number)
                            : " job-array task " + std::to_string(job.part.array) + "." + std::to_string(job.part.task);
    answer.out += job.status.state == State::pending ? by + " has deleted" + task + "\n"
                                                     : by + " has registered the" + task + " for deletion\n";
    scheduler.cancel(job);
  };
  auto words = given.rest;
  for (auto& [number_of_job, job] : scheduler.jobs().all())
    if (!user.empty() && (user == "*" || user == job.spec->user) && !job.vanished && !has_ended(job.status.state))
      remove(job, job.spec->user);
  for (const std::string& list : words) {
    for (const std::string_view word : split(list, ',')) {
      if (word.empty()) continue;
      const auto dot = word.find('.');
      const auto id = number(word.substr(0, dot)),
                 task = dot == word.npos ? std::nullopt : number(word.substr(dot + 1));
      bool found = false;
      for (auto& [number_of_job, job] : scheduler.jobs().all()) {
        if (job.vanished || has_ended(job.status.state)) continue;
        if (id ? shown_number(job) != *id || (task && job.part.task != *task) : job.spec->name != word) continue;
        found = true;
        remove(job, job.spec->user);
      }
      if (found) continue;
      answer.out += "denied: job \"" + std::string(word) + "\" does not exist\n";
      answer.code = 1;
    }
  }
  return answer;
}

Answer qacct(const std::vector<std::string>& arguments, const std::vector<JobView>& views) {
  const auto j = std::ranges::find(arguments, "-j");
  if (j == arguments.end()) return {"", "qacct: a fake scheduler has only qacct -j\n", 1};
  const std::string wanted = j + 1 == arguments.end() ? "" : *(j + 1);
  Answer answer;
  for (const auto& [job, status] : views) {
    if (!has_ended(status.state) || status.places.empty()) continue;
    if (!wanted.empty() && wanted != job->spec->name && wanted != std::to_string(shown_number(*job))) continue;
    answer.out += record(*job, status);
  }
  if (answer.out.empty())
    return {"", std::string("error: job ") + (number(wanted) ? "id " : "name ") + wanted + " not found\n", 1};
  return answer;
}

}  // namespace cohort::fake_scheduler::sge
