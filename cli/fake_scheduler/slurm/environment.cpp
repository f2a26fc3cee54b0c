#include "environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "../text.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

// "2,1" or "2(x3),1"
std::string counts(const std::vector<Place>& places, int Place::*count) {
  std::string text;
  for (std::size_t i = 0; i < places.size();) {
    std::size_t same = 1;
    while (i + same < places.size() && places[i + same].*count == places[i].*count) same++;
    text += (i == 0 ? "" : ",") + std::to_string(places[i].*count);
    if (same > 1) text += "(x" + std::to_string(same) + ")";
    i += same;
  }
  return text;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

int number_of_nodes(const std::vector<Place>& places) { return static_cast<int>(places.size()); }

}  // namespace

std::string host_list(const std::vector<Place>& places) {
  std::vector<std::string> names;
  for (const auto& place : places) names.push_back(place.host);
  return compressed(names);
}

std::int64_t end_time(const Job& job, const JobStatus& status) {
  if (status.end) return seconds_of(*status.end);
  if (!status.start || !job.spec->walltime) return 0;
  return seconds_of(*status.start + *job.spec->walltime);
}

void set_job_variables(std::vector<std::string>& environment, const Job& job) {
  const JobSpec& spec = *job.spec;
  const auto& places = job.status.places;
  const auto set = [&](std::string_view name, const std::string& value) { set_variable(environment, name, value); };
  set("SLURM_CLUSTER_NAME", cluster_name);
  set("SLURM_JOBID", std::to_string(job.number));
  set("SLURM_JOB_ID", std::to_string(job.number));
  set("SLURM_JOB_CPUS_PER_NODE", counts(places, &Place::cpus));
  set("SLURM_JOB_NAME", spec.name);
  set("SLURM_JOB_NODELIST", host_list(places));
  set("SLURM_JOB_NUM_NODES", std::to_string(number_of_nodes(places)));
  set("SLURM_JOB_PARTITION", spec.queue);
  set("SLURM_NNODES", std::to_string(number_of_nodes(places)));
  set("SLURM_NODELIST", host_list(places));
  set("SLURM_NODE_ALIASES", "(null)");
  set("SLURM_SUBMIT_DIR", spec.value("submit_dir"));
  set("SLURM_SUBMIT_HOST", host_name());
  set("SLURM_TASKS_PER_NODE", counts(places, &Place::tasks));
  if (spec.tasks_given) {
    set("SLURM_NPROCS", std::to_string(spec.tasks));
    set("SLURM_NTASKS", std::to_string(spec.tasks));
  }
  if (spec.cpus_per_task > 1) set("SLURM_CPUS_PER_TASK", std::to_string(spec.cpus_per_task));
  if (spec.memory > 0) set("SLURM_MEM_PER_NODE", std::to_string(spec.memory >> 20));
  if (!spec.account.empty()) set("SLURM_JOB_ACCOUNT", spec.account);
  if (spec.overcommit) set("SLURM_OVERCOMMIT", "1");
  if (job.status.start) set("SLURM_JOB_START_TIME", std::to_string(seconds_of(*job.status.start)));
  if (const auto end = end_time(job, job.status); end > 0) set("SLURM_JOB_END_TIME", std::to_string(end));
  if (job.restarts > 0) set("SLURM_RESTART_COUNT", std::to_string(job.restarts));
}

std::vector<std::string> batch_environment(const Job& job) {
  auto environment = job.spec->environment;
  remove_variables(environment, {"SLURM_", "SLURMD_"});
  set_job_variables(environment, job);
  const auto set = [&](std::string_view name, const std::string& value) { set_variable(environment, name, value); };
  const Place& first = job.status.places.front();
  set("SLURMD_NODENAME", first.host);
  set("SLURM_CPUS_ON_NODE", std::to_string(first.cpus));
  set("SLURM_GTIDS", "0");
  set("SLURM_JOB_GID", std::to_string(::getgid()));
  set("SLURM_JOB_UID", std::to_string(::getuid()));
  set("SLURM_JOB_USER", job.spec->user);
  set("SLURM_LOCALID", "0");
  set("SLURM_NODEID", "0");
  set("SLURM_PRIO_PROCESS", "0");
  set("SLURM_PROCID", "0");
  set("SLURM_TOPOLOGY_ADDR", first.host);
  set("SLURM_TOPOLOGY_ADDR_PATTERN", "node");
  if (const ArrayPart& part = job.part; part.array != 0) {
    set("SLURM_ARRAY_JOB_ID", std::to_string(part.array));
    set("SLURM_ARRAY_TASK_ID", std::to_string(part.task));
    set("SLURM_ARRAY_TASK_COUNT", std::to_string(part.count));
    set("SLURM_ARRAY_TASK_MIN", std::to_string(part.first));
    set("SLURM_ARRAY_TASK_MAX", std::to_string(part.last));
    set("SLURM_ARRAY_TASK_STEP", std::to_string(part.step));
  }
  return environment;
}

void set_step_variables(std::vector<std::string>& environment, const Job& job, int step,
                        const std::vector<Place>& places) {
  set_job_variables(environment, job);
  const auto set = [&](std::string_view name, const std::string& value) { set_variable(environment, name, value); };
  int tasks = 0;
  for (const auto& place : places) tasks += place.tasks;
  set("SLURM_NTASKS", std::to_string(tasks));
  set("SLURM_NPROCS", std::to_string(tasks));
  set("SLURM_NNODES", std::to_string(number_of_nodes(places)));
  set("SLURM_TASKS_PER_NODE", counts(places, &Place::tasks));
  set("SLURM_STEPID", std::to_string(step));
  set("SLURM_STEP_ID", std::to_string(step));
  set("SLURM_STEP_NODELIST", host_list(places));
  set("SLURM_STEP_NUM_NODES", std::to_string(number_of_nodes(places)));
  set("SLURM_STEP_NUM_TASKS", std::to_string(tasks));
  set("SLURM_STEP_TASKS_PER_NODE", counts(places, &Place::tasks));
  set("SLURM_JOB_GID", std::to_string(::getgid()));
  set("SLURM_JOB_UID", std::to_string(::getuid()));
  set("SLURM_JOB_USER", job.spec->user);
  set("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1");
  set("SLURM_SRUN_COMM_HOST", "127.0.0.1");
}

std::vector<std::string> task_variables(const std::vector<Place>& places, int task, const Place& place,
                                        int task_on_host) {
  const auto node = std::ranges::find(places, place.host, &Place::host) - places.begin();
  std::string all_on_host;
  for (int i = 0; i < place.tasks; i++) all_on_host += (i == 0 ? "" : ",") + std::to_string(task - task_on_host + i);
  return {"SLURMD_NODENAME=" + place.host,        "SLURM_CPUS_ON_NODE=" + std::to_string(place.cpus),
          "SLURM_GTIDS=" + all_on_host,           "SLURM_LOCALID=" + std::to_string(task_on_host),
          "SLURM_NODEID=" + std::to_string(node), "SLURM_PROCID=" + std::to_string(task),
          "SLURM_TOPOLOGY_ADDR=" + place.host,    "SLURM_TOPOLOGY_ADDR_PATTERN=node"};
}

std::string default_output(const Job& job) { return job.part.array != 0 ? "slurm-%A_%a.out" : "slurm-%j.out"; }

std::string file_name(const std::string& pattern, const Job& job) {
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] != '%') {
      name += pattern[i];
      continue;
    }
    std::size_t width = 0;
    for (i++; i < pattern.size() && pattern[i] >= '0' && pattern[i] <= '9' && width < 10; i++)
      width = width * 10 + static_cast<std::size_t>(pattern[i] - '0');
    if (i == pattern.size()) break;
    const auto padded = [&](JobNumber value) {
      const std::string text = std::to_string(value);
      return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
    };
    switch (pattern[i]) {
      case 'j':
      case 'J':
        name += padded(job.number);
        break;
      case 'A':
        name += padded(job.part.array != 0 ? job.part.array : job.number);
        break;
      case 'a':
        name += padded(job.part.task);
        break;
      case 'x':
        name += job.spec->name;
        break;
      case 'u':
        name += job.spec->user;
        break;
      case 'N':
        name += job.status.places.empty() ? "" : job.status.places.front().host;
        break;
      case 'n':
      case 't':
      case 's':
        name += padded(0);
        break;
      case '%':
        name += '%';
        break;
      default:
        name += std::string("%") + pattern[i];
    }
  }
  return name;
}

}  // namespace cohort::fake_scheduler::slurm
