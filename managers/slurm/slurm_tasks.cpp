#include "slurm_tasks.hpp"

#include <cstdint>
#include <functional>
#include <optional>

#include "text_parts.hpp"

namespace cohort_slurm {
namespace {

constexpr std::string_view mark = "cohort-task ";
constexpr std::string_view error_mark = "srun: error: ";

void for_each_line(std::string_view text, const std::function<void(std::string_view line)>& look) {
  for (const std::string_view line : split(text, '\n')) look(line);
}

// Of tasks like "0,2-5".
bool is_among(std::int64_t task, std::string_view tasks) {
  for (const std::string_view range : split(tasks, ',')) {
    const auto ends = split(range, '-');
    const auto first = number(ends.front()), last = number(ends.back());
    if (first && last && task >= *first && task <= *last) return true;
  }
  return false;
}

struct Task {
  std::int64_t number;
  std::string node;
};

// The only task with that process id.
std::optional<Task> task_of(std::string_view output, int ospid) {
  std::optional<Task> task;
  int found = 0;
  for_each_line(output, [&](std::string_view line) {
    if (!line.starts_with(mark)) return;
    const auto words = split(line.substr(mark.size()), ' ');
    const auto own_number = number(words[0]);
    if (words.size() != 3 || !own_number || number(words[1]) != ospid) return;
    task = {*own_number, std::string(words[2])};
    ++found;
  });
  return found == 1 ? task : std::nullopt;
}

}  // namespace

std::vector<std::string> marked_task(const std::vector<std::string>& command) {
  std::vector<std::string> words{
      "/bin/sh", "-c",
      "echo \"" + std::string(mark) +
          "$SLURM_PROCID $$ $SLURMD_NODENAME\"; exec \"$@\" --cohort-worker-number=$SLURM_PROCID",
      "cohort-task"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

// "srun: error: n1: task 3: Exited with exit code 7", "srun: error: n2: tasks 0,2-5: Killed".
std::string end_of_task(std::string_view output, int ospid) {
  const auto task = task_of(output, ospid);
  std::string end;
  if (!task) return end;
  for_each_line(output, [&](std::string_view line) {
    if (!line.starts_with(error_mark)) return;
    const auto tasks = line.find(": task");
    const auto numbers = tasks == line.npos ? line.npos : line.find(' ', tasks + 2);
    const auto what = numbers == line.npos ? line.npos : line.find(": ", numbers);
    if (what != line.npos && is_among(task->number, line.substr(numbers + 1, what - numbers - 1)))
      end = std::string(line.substr(what + 2)) + " on " + task->node;
  });
  return end;
}

std::vector<std::string> signal_command(std::string_view output, const std::string& job, int ospid, int signal_number) {
  const auto task = task_of(output, ospid);
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
