#include "slurm_tasks.hpp"

#include <cstdint>

#include <cohort/batch/text_parts.hpp>
#include <cohort/batch/worker_marks.hpp>

namespace cohort_slurm {

using cohort::batch::number;
using cohort::batch::split;

namespace {

constexpr std::string_view error_mark = "srun: error: ";

// Of tasks like "0,2-5".
bool is_among(std::int64_t task, std::string_view tasks) {
  for (const std::string_view range : split(tasks, ',')) {
    const auto ends = split(range, '-');
    const auto first = number(ends.front()), last = number(ends.back());
    if (first && last && task >= *first && task <= *last) return true;
  }
  return false;
}

// Slurm says it in the output of the job, once for each step, and not always in the state of the job:
// "slurmstepd: error: StepId=9.0 exceeded memory limit (631703552 > 419430400), being killed",
// "slurmstepd: error: Detected 1 oom_kill event in StepId=9.0. Some of the step tasks have been OOM Killed."
std::string memory_limit(std::string_view output) {
  constexpr std::string_view exceeded = " exceeded memory limit (";
  for (const std::string_view line : split(output, '\n')) {
    if (!line.starts_with("slurmstepd")) continue;
    if (line.find(" oom_kill event") != line.npos || line.find(" oom-kill event") != line.npos)
      return "the job's memory limit was exceeded";
    const auto begin = line.find(exceeded);
    const auto comparison = begin == line.npos ? line.npos : line.find(" > ", begin);
    if (comparison == line.npos) continue;
    const auto limit = number(line.substr(comparison + 3, line.find(')', comparison) - comparison - 3));
    if (limit) return "the job's memory limit of " + std::to_string(*limit >> 20) + " MiB was exceeded";
  }
  return "";
}

}  // namespace

std::vector<std::string> marked_task(const std::vector<std::string>& command) {
  return cohort::batch::marked_worker("$SLURM_PROCID", "$SLURMD_NODENAME", command);
}

// "srun: error: n1: task 3: Exited with exit code 7", "srun: error: n2: tasks 0,2-5: Killed".
std::string end_of_task(std::string_view output, int ospid) {
  const auto task = cohort::batch::find_worker_mark(output, ospid);
  std::string end;
  if (!task) return end;
  for (const std::string_view line : split(output, '\n')) {
    if (!line.starts_with(error_mark)) continue;
    const auto tasks = line.find(": task");
    const auto numbers = tasks == line.npos ? line.npos : line.find(' ', tasks + 2);
    const auto what = numbers == line.npos ? line.npos : line.find(": ", numbers);
    if (what != line.npos && is_among(task->number, line.substr(numbers + 1, what - numbers - 1)))
      end = std::string(line.substr(what + 2)) + " on " + task->node;
  }
  const std::string limit = end.empty() ? "" : memory_limit(output);
  return limit.empty() ? end : end + ": " + limit;
}

std::vector<std::string> signal_command(std::string_view output, const std::string& job, int ospid, int signal_number) {
  const auto task = cohort::batch::find_worker_mark(output, ospid);
  if (!task) return {};
  return {"srun",
          "--quiet",
          "--overlap",
          "--jobid=" + job,
          "--nodes=1",
          "--ntasks=1",
          "--nodelist=" + task->node,
          "kill",
          "-" + std::to_string(signal_number),
          std::to_string(ospid)};
}

}  // namespace cohort_slurm
