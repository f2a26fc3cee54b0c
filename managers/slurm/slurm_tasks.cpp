#include "slurm_tasks.hpp"

#include <cstdint>

#include "../batch/text_parts.hpp"
#include "../batch/worker_marks.hpp"

namespace cohort_slurm {

using cohort_batch::number;
using cohort_batch::split;

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

}  // namespace

std::vector<std::string> marked_task(const std::vector<std::string>& command) {
  return cohort_batch::marked_worker("$SLURM_PROCID", "$SLURMD_NODENAME", command);
}

// "srun: error: n1: task 3: Exited with exit code 7", "srun: error: n2: tasks 0,2-5: Killed".
std::string end_of_task(std::string_view output, int ospid) {
  const auto task = cohort_batch::find_worker_mark(output, ospid);
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
  return end;
}

std::vector<std::string> signal_command(std::string_view output, const std::string& job, int ospid, int signal_number) {
  const auto task = cohort_batch::find_worker_mark(output, ospid);
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
