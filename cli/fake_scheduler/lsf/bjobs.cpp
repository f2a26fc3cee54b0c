// bjobs, bkill, bstop, bresume.

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <functional>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "lsf.hpp"

namespace cohort::fake_scheduler::lsf {
namespace {

constexpr DashRule bjobs_rules[] = {{"a", 0}, {"d", 0}, {"r", 0},        {"p", 0},    {"w", 0},
                                    {"l", 0}, {"X", 0}, {"noheader", 0}, {"o"},       {"u"},
                                    {"J"},    {"q"},    {"m"},           {"json", 0}, {"A", 0}};
constexpr DashRule change_rules[] = {{"s"}, {"J"}, {"u"}, {"q"}, {"r", 0}, {"b", 0}};

std::string_view stat(const Job& job, const JobStatus& status) {
  switch (status.state) {
    case State::pending:
      return job.held ? "PSUSP" : "PEND";
    case State::running:
    case State::completing:
      return "RUN";
    case State::completed:
      return "DONE";
    default:
      return "EXIT";
  }
}

std::string exit_reason(const JobStatus& status) {
  switch (status.state) {
    case State::cancelled:
      return "TERM_OWNER: job killed by owner";
    case State::timeout:
      return "TERM_RUNLIMIT: job killed after reaching LSF run time limit";
    case State::out_of_memory:
      return "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit";
    case State::preempted:
      return "TERM_PREEMPT: job killed after preemption";
    case State::node_fail:
      return "TERM_UNKNOWN: unknown reason";
    default:
      return "-";
  }
}

std::string pend_reason(const Job& job, const JobStatus& status) {
  if (status.state != State::pending) return "-";
  if (job.held) return "Job was suspended by the user while pending;";
  if (status.reason == "PartitionDown") return "The queue is inactivated by the administrator;";
  if (status.reason == "PartitionConfig") return "Job's requirements for resource reservation not satisfied;";
  if (status.reason.starts_with("Dependency")) return "Job dependency condition not satisfied;";
  if (status.reason == "None") return "New job is waiting for scheduling;";
  return "Not enough job slot(s);";
}

std::string clock(std::optional<Time> time) { return time ? date_text(*time, "%b %e %H:%M") : "-"; }

std::string exec_host(const JobStatus& status) {
  std::string text;
  for (const auto& place : status.places)
    text += (text.empty() ? "" : ":") + (place.tasks > 1 ? std::to_string(place.tasks) + "*" : "") + place.host;
  return text.empty() ? "-" : text;
}

std::string time_left(const Job& job, const JobStatus& status, Time now) {
  if (!job.spec->walltime || !status.start || has_ended(status.state)) return "-";
  const auto left = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::minutes>(*status.start + *job.spec->walltime - now).count());
  return std::to_string(left / 60) + ":" + std::to_string(left % 60) + " L";
}

std::string field(std::string_view name, const Job& job, const JobStatus& status, Time now) {
  const JobSpec& spec = *job.spec;
  if (name == "jobid" || name == "id") return std::to_string(job.part.array != 0 ? job.part.array : job.number);
  if (name == "jobindex") return std::to_string(job.part.array != 0 ? job.part.task : 0);
  if (name == "stat") return std::string(stat(job, status));
  if (name == "user") return spec.user;
  if (name == "queue") return spec.queue;
  if (name == "job_name" || name == "name")
    return spec.name + (job.part.array != 0 ? "[" + std::to_string(job.part.task) + "]" : "");
  if (name == "from_host") return host_name();
  if (name == "first_host") return status.places.empty() ? "-" : status.places.front().host;
  if (name == "exec_host") return exec_host(status);
  if (name == "nexec_host") return std::to_string(status.places.size());
  if (name == "slots" || name == "nalloc_slot") return std::to_string(spec.tasks);
  if (name == "exit_code") {
    const int code = shell_code(status.wait_status);
    return has_ended(status.state) && code != 0 ? std::to_string(code) : "-";
  }
  if (name == "exit_reason") return exit_reason(status);
  if (name == "pend_reason") return pend_reason(job, status);
  if (name == "submit_time") return clock(job.submitted);
  if (name == "start_time") return clock(status.start);
  if (name == "finish_time") return clock(status.end);
  if (name == "time_left") return time_left(job, status, now);
  return "-";
}

// "jobid stat:10 delimiter='|'"
struct Format {
  std::vector<std::string> names;
  std::string delimiter = " ";
};
Format parse_format(const std::string& text) {
  Format format;
  for (const auto& word : shell_split(text)) {
    if (word.starts_with("delimiter="))
      format.delimiter = word.substr(10);
    else
      format.names.push_back(word.substr(0, word.find(':')));
  }
  return format;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}

std::string usual_line(const Job& job, const JobStatus& status, Time now) {
  const auto text = [&](std::string_view name) { return field(name, job, status, now); };
  const std::string host = status.places.empty() ? "" : exec_host(status);
  return left_aligned(text("jobid"), 7) + " " + left_aligned(text("user").substr(0, 7), 7) + " " +
         left_aligned(text("stat"), 5) + " " + left_aligned(text("queue").substr(0, 10), 10) + " " +
         left_aligned(text("from_host").substr(0, 11), 11) + " " + left_aligned(host.substr(0, 11), 11) + " " +
         left_aligned(text("job_name").substr(0, 10), 10) + " " + clock(job.submitted) + "\n";
}

}  // namespace

std::string id_of(const Job& job) {
  if (job.part.array == 0) return std::to_string(job.number);
  return std::to_string(job.part.array) + "[" + std::to_string(job.part.task) + "]";
}

bool is_named(const Job& job, std::string_view text) {
  return text == id_of(job) || text == std::to_string(job.part.array != 0 ? job.part.array : job.number);
}

Answer bjobs(const std::vector<std::string>& arguments, const std::vector<JobView>& views, Time now) {
  const auto given = read_dashes(arguments, bjobs_rules, true);
  if (!given.unknown.empty()) return {"", given.unknown.substr(1) + ": Illegal option.\n", 255};
  bool all = !given.rest.empty(), header = true;
  std::optional<Format> format;
  std::string name, queue, user;
  for (const auto& option : given.options) {
    if (option.name == "a") all = true;
    if (option.name == "noheader") header = false;
    if (option.name == "o") format = parse_format(option.value());
    if (option.name == "J") name = option.value();
    if (option.name == "q") queue = option.value();
    if (option.name == "u") user = option.value();
  }
  Answer answer;
  const auto show = [&](const Job& job, const JobStatus& status) {
    if (!format) {
      answer.out += usual_line(job, status, now);
      return;
    }
    for (const auto& column : format->names)
      answer.out += (&column == &format->names.front() ? "" : format->delimiter) + field(column, job, status, now);
    answer.out += "\n";
  };
  const auto fits = [&](const Job& job) {
    return (name.empty() || job.spec->name == name) && (queue.empty() || job.spec->queue == queue) &&
           (user.empty() || user == "all" || job.spec->user == user);
  };
  for (const auto& word : given.rest) {
    bool found = false;
    for (const auto& [job, status] : views) {
      if (!is_named(*job, word)) continue;
      found = true;
      if (fits(*job)) show(*job, status);
    }
    if (found) continue;
    answer.err += "Job <" + word + "> is not found\n";
    answer.code = 255;
  }
  if (given.rest.empty())
    for (const auto& [job, status] : views)
      if (fits(*job) && (all || !has_ended(status.state))) show(*job, status);
  if (answer.out.empty() && answer.err.empty()) return {"", all ? "No job found\n" : "No unfinished job found\n", 255};
  if (!header || answer.out.empty()) return answer;
  if (!format) {
    answer.out = "JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME\n" + answer.out;
    return answer;
  }
  std::vector<std::string> names;
  for (const auto& column : format->names) names.push_back(upper(column));
  answer.out = joined(names, format->delimiter) + "\n" + answer.out;
  return answer;
}

Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler) {
  const auto given = read_dashes(arguments, change_rules, true);
  if (!given.unknown.empty()) return {"", given.unknown.substr(1) + ": Illegal option.\n", 255};
  int signal = 0;
  std::optional<std::string> name;
  for (const auto& option : given.options) {
    if (option.name == "s" && (signal = signal_number(option.value())) == 0)
      return {"", option.value() + ": Illegal signal value.\n", 255};
    if (option.name == "J") name = option.value();
  }
  if (given.rest.empty() && !name) return {"", "Job ID or name must be specified.\n", 255};
  Answer answer;
  auto words = given.rest.empty() ? std::vector<std::string>{"0"} : given.rest;
  for (const auto& word : words) {
    bool known = false, done = false;
    for (auto& [number_of_job, job] : scheduler.jobs().all()) {
      if (job.vanished || (word != "0" && !is_named(job, word)) || (name && job.spec->name != *name)) continue;
      known = true;
      if (has_ended(job.status.state)) continue;
      done = true;
      const std::string id = "Job <" + id_of(job) + "> is being ";
      if (command == "bstop") {
        scheduler.hold(job);
        scheduler.signal(job, SIGSTOP, Scheduler::Target::all);
        answer.out += id + "stopped\n";
      } else if (command == "bresume") {
        scheduler.release(job);
        scheduler.signal(job, SIGCONT, Scheduler::Target::all);
        answer.out += id + "resumed\n";
      } else if (signal != 0 && signal != SIGKILL) {
        scheduler.signal(job, signal, Scheduler::Target::all);
        answer.out += id + "signaled\n";
      } else {
        scheduler.cancel(job);
        answer.out += id + "terminated\n";
      }
    }
    if (done) continue;
    answer.err += word == "0"
                      ? "No matching job found\n"
                      : "Job <" + word + ">: " + (known ? "Job has already finished\n" : "No matching job found\n");
    answer.code = 255;
  }
  return answer;
}

}  // namespace cohort::fake_scheduler::lsf
