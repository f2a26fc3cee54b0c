#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::batch {

/// What a worker of a job prints before it begins, "cohort-task NUMBER PID NODE", so that it is known which one of a
/// job's workers has the process id that the master knows.
inline constexpr std::string_view worker_mark = "cohort-task ";
/// What is printed when it has ended: "cohort-task-ended NUMBER CODE", where 128 and a signal is a code, too.
inline constexpr std::string_view worker_end_mark = "cohort-task-ended ";

/// A worker, as a task of a job.
struct WorkerMark {
  std::int64_t number = 0;  ///< within its job, from 0
  std::string node = {};
};

/// The worker with that process id. nullopt: its mark is not there, or workers of two nodes have this process id.
/// @param output what the job has printed.
std::optional<WorkerMark> find_worker_mark(std::string_view output, int ospid);

/// How the worker with that process id ended: "exited with code 7 on n1", "was ended by signal 9 on n2". Empty: the
/// job has not printed that.
std::string end_by_marks(std::string_view output, int ospid);

/// Words of sh that print the mark and become the worker then.
/// @param number, node words of sh for them: "$SLURM_PROCID".
std::vector<std::string> marked_worker(std::string_view number, std::string_view node,
                                       const std::vector<std::string>& command);

}  // namespace cohort::batch
