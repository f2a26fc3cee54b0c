#include <cohort/batch/worker_marks.hpp>

#include <cohort/batch/text_parts.hpp>

namespace cohort::batch {

std::optional<WorkerMark> find_worker_mark(std::string_view output, int ospid) {
  std::optional<WorkerMark> worker;
  int found = 0;
  for (const std::string_view line : split(output, '\n')) {
    if (!line.starts_with(worker_mark)) continue;
    const auto words = split(line.substr(worker_mark.size()), ' ');
    const auto own_number = number(words[0]);
    if (words.size() != 3 || !own_number || number(words[1]) != ospid) continue;
    worker = {*own_number, std::string(words[2])};
    ++found;
  }
  return found == 1 ? worker : std::nullopt;
}

std::string end_by_marks(std::string_view output, int ospid) {
  const auto worker = find_worker_mark(output, ospid);
  std::string end;
  if (!worker) return end;
  for (const std::string_view line : split(output, '\n')) {
    if (!line.starts_with(worker_end_mark)) continue;
    const auto words = split(line.substr(worker_end_mark.size()), ' ');
    const auto code = number(words.back());
    if (words.size() != 2 || number(words[0]) != worker->number || !code) continue;
    end = (*code > 128 ? "was ended by signal " + std::to_string(*code - 128)
                       : "exited with code " + std::to_string(*code)) +
          " on " + worker->node;
  }
  return end;
}

std::vector<std::string> marked_worker(std::string_view number, std::string_view node,
                                       const std::vector<std::string>& command) {
  std::vector<std::string> words{"/bin/sh", "-c",
                                 "echo \"" + std::string(worker_mark) + std::string(number) + " $$ " +
                                     std::string(node) +
                                     "\"; exec \"$@\" --cohort-worker-number=" + std::string(number),
                                 "cohort-task"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

}  // namespace cohort::batch
