// scancel, scontrol, sinfo.

#include <signal.h>

#include <algorithm>
#include <array>
#include <optional>

#include "../options.hpp"
#include "../text.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "submission.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

using enum OptionRule::Value;

constexpr OptionRule scancel_rules[] = {
    {'n', "name"},   {0, "jobname"},       {'u', "user"},       {'t', "state"},       {'p', "partition"},
    {'s', "signal"}, {'b', "batch", none}, {'f', "full", none}, {'Q', "quiet", none}, {'v', "verbose", none},
    {0, "me", none}, {'A', "account"},     {'q', "qos"},        {'w', "nodelist"},
};

constexpr OptionRule sinfo_rules[] = {
    {'h', "noheader", none}, {'o', "format"}, {'p', "partition"}, {'s', "summarize", none}, {'N', "Node", none}};

std::string seconds_text(std::optional<Time> time) {
  if (!time) return "Unknown";
  return date_text(*time);
}

// "0:9", code and signal.
std::string exit_text(int wait_status) {
  return std::to_string(wait_status >> 8 & 0xff) + ":" + std::to_string(wait_status & 0x7f);
}

std::string described(const Job& job) {
  const JobSpec& spec = *job.spec;
  const JobStatus& status = job.status;
  std::string text = "JobId=" + std::to_string(job.number);
  if (job.part.array != 0)
    text += " ArrayJobId=" + std::to_string(job.part.array) + " ArrayTaskId=" + std::to_string(job.part.task);
  text += " JobName=" + spec.name + "\n";
  text += "   UserId=" + spec.user + "(0) GroupId=" + spec.user + "(0) MCS_label=N/A\n";
  text += "   Priority=1 Nice=0 Account=" + (spec.account.empty() ? "(null)" : spec.account) + " QOS=(null)\n";
  text += "   JobState=" + std::string(state_name(status.state)) + " Reason=" + status.reason + " Dependency=(null)\n";
  text += "   Requeue=" + std::string(spec.requeue ? "1" : "0") + " Restarts=" + std::to_string(job.restarts) +
          " BatchFlag=" + (job.is_allocation ? "0" : "1") + " Reboot=0 ExitCode=" + exit_text(status.wait_status) +
          "\n";
  const auto used = status.start ? status.end.value_or(std::chrono::system_clock::now()) - *status.start
                                 : std::chrono::system_clock::duration::zero();
  text += "   RunTime=" + time_text(std::chrono::duration_cast<Milliseconds>(used), true) +
          " TimeLimit=" + (spec.walltime ? time_text(*spec.walltime, true) : "UNLIMITED") + " TimeMin=N/A\n";
  text += "   SubmitTime=" + seconds_text(job.submitted) + " EligibleTime=" + seconds_text(job.submitted) + "\n";
  const auto end = end_time(job, status);
  text += "   StartTime=" + seconds_text(status.start) +
          " EndTime=" + (end == 0 ? "Unknown" : seconds_text(Time(std::chrono::seconds(end)))) + " Deadline=N/A\n";
  text += "   Partition=" + spec.queue + " AllocNode:Sid=localhost:1\n   ReqNodeList=(null) ExcNodeList=(null)\n";
  text += "   NodeList=" + host_list(status.places) + "\n";
  if (!status.places.empty()) text += "   BatchHost=" + status.places.front().host + "\n";
  text += "   NumNodes=" + std::to_string(std::max<std::size_t>(status.places.size(), 1)) +
          " NumCPUs=" + std::to_string(spec.tasks * spec.cpus_per_task) + " NumTasks=" + std::to_string(spec.tasks) +
          " CPUs/Task=" + std::to_string(spec.cpus_per_task) + " ReqB:S:C:T=0:0:*:*\n";
  text += "   MinCPUsNode=1 MinMemoryNode=" + (spec.memory == 0 ? "0" : std::to_string(spec.memory >> 20) + "M") +
          " MinTmpDiskNode=0\n";
  const std::string output = file_name(spec.output.empty() ? default_output(job) : spec.output, job);
  const std::string path = output.starts_with('/') ? output : spec.dir + "/" + output;
  text += "   Command=(null)\n   WorkDir=" + spec.dir + "\n   StdErr=" + path +
          "\n   StdIn=/dev/null\n   StdOut=" + path + "\n   Power=\n   \n\n";
  return text;
}

Answer show(const std::vector<std::string>& words, Scheduler& scheduler) {
  const std::string what = words.empty() ? "" : words[0], which = words.size() > 1 ? words[1] : "";
  Answer answer;
  if (what.starts_with("job")) {
    if (which.empty()) {
      for (const auto& [number, job] : scheduler.jobs().all())
        if (!job.vanished) answer.out += described(job);
      return answer.out.empty() ? Answer{"No jobs in the system\n", "", 0} : answer;
    }
    for (const Job* job : find_jobs(scheduler.jobs(), which)) answer.out += described(*job);
    if (answer.out.empty()) return {"", "slurm_load_jobs error: Invalid job id specified\n", 1};
    return answer;
  }
  if (what.starts_with("hostname")) {
    for (const auto& host : expanded(which)) answer.out += host + "\n";
    return answer;
  }
  if (what.starts_with("node")) {
    for (const auto& host : scheduler.hosts().all()) {
      if (!which.empty() && host.name != which) continue;
      answer.out += "NodeName=" + host.name +
                    " Arch=x86_64 CoresPerSocket=1 \n   CPUAlloc=" + std::to_string(host.used) +
                    " CPUEfctv=" + std::to_string(host.cpus) + " CPUTot=" + std::to_string(host.cpus) +
                    "\n   RealMemory=" + std::to_string(host.memory >> 20) + "\n   State=" +
                    (host.down                ? "DOWN"
                     : host.used == host.cpus ? "ALLOCATED"
                     : host.used > 0          ? "MIXED"
                                              : "IDLE") +
                    "\n\n";
    }
    return answer.out.empty() ? Answer{"Node " + which + " not found\n", "", 1} : answer;
  }
  if (what.starts_with("partition")) {
    for (const auto& queue : scheduler.jobs().queues()) {
      if (!which.empty() && queue.name != which) continue;
      answer.out += "PartitionName=" + queue.name + "\n   AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL\n   MaxTime=" +
                    (queue.longest ? time_text(*queue.longest, true) : "UNLIMITED") +
                    "\n   State=" + (queue.down ? "DOWN" : "UP") + "\n\n";
    }
    return answer.out.empty() ? Answer{"Partition " + which + " not found\n", "", 1} : answer;
  }
  return {"", "invalid entity:" + what + " for keyword:show \n", 1};
}

Answer write_script(const std::vector<std::string>& words, Scheduler& scheduler) {
  const auto jobs = find_jobs(scheduler.jobs(), words.size() > 1 ? words[1] : "");
  if (jobs.empty() || jobs.front()->is_allocation)
    return {"", "job script retrieval failed: Invalid job id specified\n", 1};
  if (words.size() > 2 && words[2] == "-") return {jobs.front()->spec->script, "", 0};
  return {"", "job script retrieval failed: only to '-' in a fake scheduler\n", 1};
}

}  // namespace

std::vector<Job*> find_jobs(JobTable& jobs, std::string_view text) {
  text = text.substr(0, text.find('.'));  // a step's number
  const auto underscore = text.find('_');
  const auto job = number(text.substr(0, underscore));
  if (!job) return {};
  if (underscore == text.npos) return jobs.find_all(*job);
  auto tasks = text.substr(underscore + 1);
  if (tasks.starts_with('[') && tasks.ends_with(']')) tasks = tasks.substr(1, tasks.size() - 2);
  std::vector<Job*> found;
  for (const int task : parse_range(tasks).value_or(std::vector<int>{}))
    if (Job* part = jobs.find(*job, task)) found.push_back(part);
  return found;
}

Answer scancel(const std::vector<std::string>& arguments, Scheduler& scheduler) {
  const auto given = read_options(arguments, scancel_rules, true);
  if (!given.error.empty())
    return {"", "scancel: " + given.error + "\nTry \"scancel --help\" for more information\n", 1};
  std::optional<std::string> name, user, state, queue;
  int signal = 0;
  Scheduler::Target target = Scheduler::Target::steps;
  bool all = false, quiet = false;
  for (const auto& [option, value] : given.options) {
    if (option == "name" || option == "jobname") name = value;
    if (option == "user") user = value;
    if (option == "state") state = value;
    if (option == "partition") queue = value;
    if (option == "batch") target = Scheduler::Target::script;
    if (option == "full") target = Scheduler::Target::all;
    if (option == "me") all = true;
    if (option == "quiet") quiet = true;
    if (option == "signal" && (signal = signal_number(value)) == 0)
      return {"", "scancel: error: Unknown job signal: " + value + "\n", 1};
  }
  all = all || name || user || state || queue;
  if (!all && given.rest.empty()) return {"", "scancel: error: No job identification provided\n", 1};
  std::vector<Job*> jobs;
  Answer answer;
  for (const auto& word : given.rest) {
    const auto found = find_jobs(scheduler.jobs(), word);
    jobs.insert(jobs.end(), found.begin(), found.end());
    if (number(word.substr(0, word.find_first_of("._")))) continue;
    if (!quiet) answer.err += "scancel: error: Invalid job id " + word + "\n";
    answer.code = 1;
  }
  if (given.rest.empty())
    for (auto& [number, job] : scheduler.jobs().all())
      if (!job.vanished) jobs.push_back(&job);
  for (Job* job : jobs) {
    const JobSpec& spec = *job->spec;
    if ((name && spec.name != *name) || (user && spec.user != *user) || (queue && spec.queue != *queue)) continue;
    std::string job_state(state_name(job->status.state));
    if (state && !std::ranges::equal(*state, job_state, {}, [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }))
      continue;
    if (signal != 0 && signal != 9)
      scheduler.signal(*job, signal, target);
    else
      scheduler.cancel(*job);
  }
  return answer;
}

Answer scontrol(const std::vector<std::string>& arguments, Scheduler& scheduler) {
  std::vector<std::string> words;
  for (const auto& word : arguments)
    if (!word.starts_with("-") || word == "-") words.push_back(word);
  if (words.empty()) return {"", "scontrol: a fake scheduler has no interactive mode\n", 1};
  const std::string verb = words[0];
  words.erase(words.begin());
  if (verb == "show") return show(words, scheduler);
  if (verb == "write") return write_script(words, scheduler);
  if (verb != "requeue" && verb != "hold" && verb != "release" && verb != "suspend" && verb != "resume")
    return {"", "invalid keyword: " + verb + "\n", 1};
  if (words.empty()) return {"", "too few arguments for keyword:" + verb + "\n", 1};
  Answer answer;
  for (const auto& word : words) {
    const auto jobs = find_jobs(scheduler.jobs(), word);
    if (jobs.empty()) {
      answer.err += "Invalid job id specified for job " + word + "\n";
      answer.code = 1;
    }
    for (Job* job : jobs) {
      if (verb == "hold") scheduler.hold(*job);
      if (verb == "release") scheduler.release(*job);
      if (verb == "requeue") scheduler.end(*job, State::cancelled, "Requeue", true);
      if (verb == "suspend") scheduler.signal(*job, SIGSTOP, Scheduler::Target::all);
      if (verb == "resume") scheduler.signal(*job, SIGCONT, Scheduler::Target::all);
    }
  }
  return answer;
}

Answer sinfo(const std::vector<std::string>& arguments, Scheduler& scheduler) {
  const auto given = read_options(arguments, sinfo_rules, true);
  if (!given.error.empty()) return {"", "sinfo: " + given.error + "\nTry \"sinfo --help\" for more information\n", 1};
  bool header = true;
  std::string format, queues;
  for (const auto& [name, value] : given.options) {
    if (name == "noheader") header = false;
    if (name == "format") format = value;
    if (name == "partition") queues = value;
  }
  Answer answer;
  const auto add_line = [&](const std::array<std::string, 6>& columns) {
    if (format.empty()) {
      constexpr std::size_t widths[] = {9, 5, 10, 6, 6};
      std::string line = left_aligned(columns[0], widths[0]);
      for (std::size_t i = 1; i < 5; i++) line += " " + right_aligned(columns[i], widths[i]);
      answer.out += line + " " + columns[5] + "\n";
      return;
    }
    constexpr std::string_view letters = "PalDtN";
    for (std::size_t i = 0; i < format.size(); i++) {
      const bool is_field = format[i] == '%' && i + 1 < format.size();
      const auto which = is_field ? letters.find(format[i + 1] == 'T' ? 't' : format[i + 1]) : letters.npos;
      answer.out += which == letters.npos ? std::string(1, format[i]) : columns[which];
      if (which != letters.npos) i++;
    }
    answer.out += "\n";
  };
  if (header) add_line({"PARTITION", "AVAIL", "TIMELIMIT", "NODES", "STATE", "NODELIST"});
  std::vector<std::string> idle, mixed, full, down;
  for (const auto& host : scheduler.hosts().all())
    (host.down ? down : host.used == 0 ? idle : host.used < host.cpus ? mixed : full).push_back(host.name);
  for (const auto& queue : scheduler.jobs().queues()) {
    if (!queues.empty() && queues != queue.name) continue;
    const bool usual = queue.name == scheduler.dialect().usual_queue();
    const std::pair<const char*, const std::vector<std::string>*> groups[] = {
        {"down", &down}, {"mix", &mixed}, {"alloc", &full}, {"idle", &idle}};
    for (const auto& [state, hosts] : groups)
      if (!hosts->empty())
        add_line({queue.name + (usual ? "*" : ""), queue.down ? "down" : "up",
                  queue.longest ? time_text(*queue.longest) : "infinite", std::to_string(hosts->size()), state,
                  compressed(*hosts)});
  }
  return answer;
}

}  // namespace cohort::fake_scheduler::slurm
