#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort_slurm {

/// The command of a worker, as a task of a step: it first prints which task it is, its process id and its node,
/// so that what srun says of a task later is known to be said of that worker.
std::vector<std::string> marked_task(const std::vector<std::string>& command);

/// How the task with that process id ended, in srun's words: "Exited with exit code 7 on n1", "Killed on n2". Empty:
/// srun has not said so, or tasks of two nodes have this process id.
/// @param output what srun and the tasks have printed.
std::string end_of_task(std::string_view output, int ospid);

/// A command that sends a signal to that task. Empty: its mark is not there.
/// @param job the allocation.
std::vector<std::string> signal_command(std::string_view output, const std::string& job, int ospid, int signal_number);

}  // namespace cohort_slurm
