#include "slurm_node.hpp"

#include <chrono>

#include <cohort/batch/command.hpp>
#include <cohort/batch/text_parts.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/error.hpp>

#include "slurm_tasks.hpp"

namespace cohort_slurm {

using namespace std::chrono_literals;
using cohort::batch::CommandError;
using cohort::batch::trimmed;

namespace {

constexpr cohort::Duration command_limit = 1s;  // for each of the two commands

// srun waits for a node that does not answer for longer than anybody waits for this.
bool answers(std::string_view output, const std::string& job, int ospid) {
  try {
    cohort::batch::run({.words = signal_command(output, job, ospid, 0), .limit = command_limit});
  } catch (const CommandError& error) {
    return error.kind() != cohort::ErrorKind::overloaded &&
           error.printed().find("Communication connection failure") == std::string::npos;
  }
  return true;
}

}  // namespace

std::string trouble_of_node(std::string_view output, const std::string& job, int ospid) {
  const auto task = cohort::batch::find_worker_mark(output, ospid);
  if (!task) return "";
  std::string said;
  try {
    said = cohort::batch::run(
        {.words = {"sinfo", "--noheader", "--Node", "--nodes=" + task->node, node_format}, .limit = command_limit});
  } catch (const CommandError&) {
    return "";  // without its controller, a node can begin nothing
  }
  if (auto trouble = trouble_by_state(task->node, said); !trouble.empty()) return trouble;
  return answers(output, job, ospid) ? "" : "its node " + task->node + " does not answer: srun cannot begin there";
}

// One line for each partition of the node.
std::string trouble_by_state(const std::string& node, std::string_view text) {
  const auto fields = cohort::batch::split(cohort::batch::split(text, '\n').front(), '|');
  std::string_view state = trimmed(fields.front());
  const bool is_silent = state.ends_with('*');
  if (is_silent) state.remove_suffix(1);
  if (!is_silent && !state.starts_with("down") && !state.starts_with("fail")) return "";
  std::string words(state);
  const auto reason = fields.size() > 1 ? trimmed(fields[1]) : "";
  if (!reason.empty() && reason != "none") words += ", " + std::string(reason);
  return "its node " + node + (is_silent ? " does not answer" : " is not in use") + " (" + words + ")";
}

}  // namespace cohort_slurm
