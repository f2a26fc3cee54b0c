// qstat, qselect, qdel, qsig, qhold, qrls, qrerun.

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "../options.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "pbs.hpp"

namespace cohort::fake_scheduler::pbs {
namespace {

constexpr DashRule qstat_rules[] = {{"f", 0}, {"x", 0}, {"t", 0}, {"n", 0}, {"a", 0}, {"i", 0},
                                    {"r", 0}, {"1", 0}, {"w", 0}, {"u"},    {"s", 0}};
constexpr DashRule qselect_rules[] = {{"N"}, {"u"}, {"s"}, {"q"}, {"x", 0}};

char letter(State state) {
  if (state == State::pending) return 'Q';
  if (state == State::running) return 'R';
  return state == State::completing ? 'E' : 'F';
}

char letter(const Job& job, const JobStatus& status) {
  return status.state == State::pending && (status.reason == "JobHeldUser" || status.reason == "Dependency" || job.held)
             ? 'H'
             : letter(status.state);
}

// What the execution daemon says by a negative number; else the code, or 256 and the signal.
int exit_status(const JobStatus& status) {
  if (status.state == State::timeout) return -29;
  if (status.state == State::out_of_memory) return -27;
  if (WIFSIGNALED(status.wait_status)) return 256 + WTERMSIG(status.wait_status);
  const int code = WEXITSTATUS(status.wait_status);
  // A shell that was told to end says by its code which signal told it.
  return status.state == State::cancelled && code > 128 ? 256 + code - 128 : code;
}

std::string exec_host(const JobStatus& status) {
  std::string text;
  for (const auto& place : status.places)
    text += (text.empty() ? "" : "+") + place.host + "/0*" + std::to_string(place.cpus);
  return text;
}

std::string hours(Milliseconds time) {
  const auto seconds = time.count() / 1000;
  return two_digits(seconds / 3600) + ":" + two_digits(seconds / 60 % 60) + ":" + two_digits(seconds % 60);
}

std::string comment(const Job& job, const JobStatus& status) {
  if (status.state == State::pending) {
    if (status.reason == "PartitionDown") return "Not Running: Queue not started.";
    if (status.reason == "PartitionConfig")
      return "Can Never Run: Insufficient amount of resource: ncpus (R: " +
             std::to_string(job.spec->tasks * job.spec->cpus_per_task) + ")";
    if (status.reason == "JobHeldUser") return "Job held by " + job.spec->user;
    return "Not Running: Insufficient amount of resource: ncpus";
  }
  if (status.places.empty()) return "Job deleted by " + job.spec->user;
  std::string text = "Job run at " + date_text(*status.start, "%a %b %d at %H:%M") + " on (" +
                     status.places.front().host + ":ncpus=" + std::to_string(status.places.front().cpus) + ")";
  if (!has_ended(status.state)) return text;
  if (status.state == State::cancelled) return text + " and terminated by " + job.spec->user + " on " + host_name();
  return text + (status.state == State::completed ? " and finished" : " and failed");
}

// A line that is too long goes on in the next, behind a tab.
std::string attribute(std::string_view name, const std::string& value) {
  constexpr std::size_t widest = 79;
  std::string line = "    " + std::string(name) + " = ", text;
  for (const char c : value) {
    if (line.size() == widest) {
      text += line + "\n";
      line = "\t";
    }
    line += c;
  }
  return text + line + "\n";
}

std::string full(const Job& job, const JobStatus& status) {
  constexpr const char* format = "%a %b %d %H:%M:%S %Y";
  const JobSpec& spec = *job.spec;
  std::string text = "Job Id: " + id_of(job) + "\n" + attribute("Job_Name", spec.name) +
                     attribute("Job_Owner", spec.user + "@" + host_name()) +
                     attribute("job_state", std::string(1, letter(job, status))) + attribute("queue", spec.queue) +
                     attribute("server", server_name) + attribute("ctime", date_text(job.submitted, format));
  if (!status.places.empty()) text += attribute("exec_host", exec_host(status));
  text += attribute("qtime", date_text(job.submitted, format));
  text += attribute("Resource_List.ncpus", std::to_string(spec.tasks * spec.cpus_per_task));
  if (spec.memory > 0) text += attribute("Resource_List.mem", std::to_string(spec.memory >> 10) + "kb");
  if (spec.walltime) text += attribute("Resource_List.walltime", hours(*spec.walltime));
  if (status.start && !status.places.empty()) text += attribute("stime", date_text(*status.start, format));
  if (has_ended(status.state)) text += attribute("obittime", date_text(*status.end, format));
  text += attribute("substate", status.state == State::pending     ? "10"
                                : !has_ended(status.state)         ? "42"
                                : status.state == State::cancelled ? "91"
                                : exit_status(status) == 0         ? "92"
                                                                   : "93");
  text += attribute("comment", comment(job, status));
  if (has_ended(status.state) && !status.places.empty())
    text += attribute("Exit_status", std::to_string(exit_status(status)));
  return text + "\n";
}

std::string table_line(const Job& job, const JobStatus& status) {
  const auto used = status.start && !status.places.empty()
                        ? status.end.value_or(std::chrono::system_clock::now()) - *status.start
                        : std::chrono::system_clock::duration::zero();
  return left_aligned(id_of(job), 17) + " " + left_aligned(job.spec->name.substr(0, 16), 16) + " " +
         left_aligned(job.spec->user.substr(0, 16), 17) + hours(std::chrono::duration_cast<Milliseconds>(used)) + " " +
         letter(job, status) + " " + left_aligned(job.spec->queue, 16) + "\n";
}

}  // namespace

std::string id_of(const Job& job) {
  if (job.part.array == 0) return std::to_string(job.number) + "." + server_name;
  return std::to_string(job.part.array) + "[" + std::to_string(job.part.task) + "]." + server_name;
}

std::optional<IdWanted> parse_id(std::string_view text) {
  text = text.substr(0, text.find('.'));
  const auto open = text.find('['), close = text.find(']');
  const auto id = number(text.substr(0, open));
  if (!id) return std::nullopt;
  if (open == text.npos || close == text.npos || close == open + 1) return IdWanted{*id, std::nullopt};
  const auto task = number(text.substr(open + 1, close - open - 1));
  if (!task) return std::nullopt;
  return IdWanted{*id, static_cast<int>(*task)};
}

Answer qstat(const std::vector<std::string>& arguments, const std::vector<JobView>& views) {
  const auto given = read_dashes(arguments, qstat_rules, true);
  if (std::ranges::find(arguments, "--version") != arguments.end()) return {"pbs_version = 20.0.1\n", "", 0};
  if (!given.unknown.empty()) return {"", "qstat: invalid option -- '" + given.unknown.substr(1) + "'\n", 2};
  bool is_full = false, history = false;
  for (const auto& option : given.options) {
    is_full = is_full || option.name == "f";
    history = history || option.name == "x";
  }
  Answer answer;
  const auto show = [&](const JobView& view) {
    answer.out += is_full ? full(*view.job, view.status) : table_line(*view.job, view.status);
  };
  for (const auto& word : given.rest) {
    const auto wanted = parse_id(word);
    if (!wanted) {
      answer.err += "qstat: illegally formed job identifier: " + word + "\n";
      answer.code = 1;
      continue;
    }
    bool known = false, shown = false;
    for (const auto& view : views) {
      if (!wanted->is_of(*view.job)) continue;
      known = true;
      if (has_ended(view.status.state) && !history) continue;
      shown = true;
      show(view);
    }
    if (shown) continue;
    answer.err += known ? "qstat: " + word + " Job has finished, use -x or -H to obtain historical job information\n"
                        : "qstat: Unknown Job Id " + word + "\n";
    answer.code = known ? 35 : 153;
  }
  if (given.rest.empty())
    for (const auto& view : views)
      if (history || !has_ended(view.status.state)) show(view);
  if (!answer.out.empty() && !is_full)
    answer.out =
        "Job id            Name             User              Time Use S Queue\n"
        "----------------  ---------------- ----------------  -------- - -----\n" +
        answer.out;
  return answer;
}

Answer qselect(const std::vector<std::string>& arguments, const std::vector<JobView>& views) {
  const auto given = read_dashes(arguments, qselect_rules);
  if (!given.unknown.empty()) return {"", "qselect: invalid option -- '" + given.unknown.substr(1) + "'\n", 2};
  Answer answer;
  for (const auto& [job, status] : views) {
    bool fits = !has_ended(status.state);
    for (const auto& option : given.options) {
      if (option.name == "N") fits = fits && job->spec->name == option.value();
      if (option.name == "u") fits = fits && job->spec->user == option.value();
      if (option.name == "q") fits = fits && job->spec->queue == option.value();
      if (option.name == "s") fits = fits && option.value().find(letter(*job, status)) != std::string::npos;
    }
    if (fits) answer.out += id_of(*job) + "\n";
  }
  return answer;
}

Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler) {
  constexpr DashRule rules[] = {{"s"}, {"h"}, {"W"}, {"x", 0}};
  const auto given = read_dashes(arguments, rules, true);
  const std::string name(command);
  if (!given.unknown.empty()) return {"", name + ": invalid option -- '" + given.unknown.substr(1) + "'\n", 2};
  int signal = SIGTERM;
  for (const auto& option : given.options)
    if (option.name == "s") signal = signal_number(option.value());
  if (signal == 0) return {"", name + ": illegal -s value\n", 2};
  Answer answer;
  for (const auto& word : given.rest) {
    const auto wanted = parse_id(word);
    bool known = false, done = false;
    for (auto& [number_of_job, job] : scheduler.jobs().all()) {
      if (!wanted || job.vanished || !wanted->is_of(job)) continue;
      known = true;
      if (has_ended(job.status.state)) continue;
      if (name == "qsig" && job.status.state == State::pending) continue;
      done = true;
      if (name == "qdel") scheduler.cancel(job);
      if (name == "qsig") scheduler.signal(job, signal, Scheduler::Target::all);
      if (name == "qhold") scheduler.hold(job);
      if (name == "qrls") scheduler.release(job);
      if (name == "qrerun") scheduler.end(job, State::cancelled, "Requeue", true);
    }
    if (done) continue;
    answer.err += !wanted ? name + ": illegally formed job identifier: " + word + "\n"
                  : known ? name + ": " + (name == "qsig" ? "Request invalid for state of job " : "Job has finished ") +
                                word + "\n"
                          : name + ": Unknown Job Id " + word + "\n";
    answer.code = !wanted ? 1 : known ? 35 : 153;
  }
  return answer;
}

}  // namespace cohort::fake_scheduler::pbs
