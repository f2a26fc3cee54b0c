// cohort fake-scheduler control: what goes wrong, while it runs.

#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>

#include "server.hpp"
#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

Answer refused(const std::string& why) { return {"", "cohort: control: " + why + "\n", 1}; }

constexpr std::pair<std::string_view, State> states[] = {
    {"pending", State::pending},     {"running", State::running},     {"completed", State::completed},
    {"failed", State::failed},       {"cancelled", State::cancelled}, {"timeout", State::timeout},
    {"node_fail", State::node_fail},
};

Answer list_jobs(Scheduler& scheduler) {
  Answer answer;
  for (const auto& [number, job] : scheduler.jobs().all()) {
    constexpr std::string_view names[] = {"pending",   "running", "completing",    "completed", "failed",
                                          "cancelled", "timeout", "out_of_memory", "node_fail", "preempted"};
    answer.out += std::to_string(number) + " " + job.spec->name + " " +
                  std::string(names[static_cast<std::size_t>(job.status.state)]);
    for (const auto& place : job.status.places) answer.out += " " + place.host;
    answer.out += "\n";
  }
  return answer;
}

// What is done to one job.
std::map<std::string, std::function<void(Scheduler&, Job&)>> verbs_of_jobs() {
  return {
      {"preempt", [](Scheduler& s, Job& job) { s.end(job, State::preempted, "Preempted", job.spec->requeue); }},
      {"kill", [](Scheduler& s, Job& job) { s.signal(job, SIGKILL, Scheduler::Target::all); }},
      {"hold", [](Scheduler& s, Job& job) { s.hold(job); }},
      {"release", [](Scheduler& s, Job& job) { s.release(job); }},
      {"vanish", [](Scheduler& s, Job& job) { s.vanish(job); }},
      {"time-out", [](Scheduler& s, Job& job) { s.end(job, State::timeout, "TimeLimit"); }},
  };
}

}  // namespace

Answer control(const std::vector<std::string>& words, Scheduler& scheduler) {
  const std::string verb = words.empty() ? "" : words[0], what = words.size() > 1 ? words[1] : "";
  if (verb == "jobs") return list_jobs(scheduler);
  if (verb == "host-down" || verb == "host-up") {
    if (scheduler.hosts().find(what) == nullptr) return refused("there is no host '" + what + "'");
    scheduler.set_host_down(what, verb == "host-down");
    return {};
  }
  if (verb == "queue-down" || verb == "queue-up") {
    if (scheduler.jobs().find_queue(what) == nullptr) return refused("there is no queue '" + what + "'");
    scheduler.set_queue_down(what, verb == "queue-down");
    return {};
  }
  if (verb == "fail-submission" || verb == "slow" || verb == "status-delay" || verb == "queue-limit" ||
      verb == "empty-status") {
    if (!scheduler.set_fault(verb, what)) return refused(verb + " wants a number, not '" + what + "'");
    return {};
  }
  const auto verbs = verbs_of_jobs();
  const auto of_job = verbs.find(verb);
  if (of_job == verbs.end() && verb != "lie")
    return refused("there is no verb '" + verb +
                   "'; there are: jobs, preempt, kill, time-out, hold, release, vanish, lie, host-down, host-up, "
                   "queue-down, queue-up, fail-submission, slow, status-delay, queue-limit, empty-status");
  const auto number_of_job = number(what);
  const auto jobs = number_of_job ? scheduler.jobs().find_all(*number_of_job) : std::vector<Job*>{};
  if (jobs.empty()) return refused(verb + ": there is no job '" + what + "'");
  const std::string said = words.size() > 2 ? words[2] : "";
  const auto lie = std::ranges::find(states, said, [](const auto& entry) { return entry.first; });
  if (verb == "lie" && lie == std::end(states) && said != "off")
    return refused(
        "lie JOB STATE: STATE is pending, running, completed, failed, cancelled, timeout, node_fail, or off");
  for (Job* job : jobs) {
    if (verb != "lie")
      of_job->second(scheduler, *job);
    else if (said == "off")
      job->lie.reset();
    else
      job->lie = lie->second;
  }
  return {};
}

}  // namespace cohort::fake_scheduler
