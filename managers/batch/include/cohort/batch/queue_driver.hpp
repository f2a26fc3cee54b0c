#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::batch {

/// The states of PSI/J, which every scheduler's own can be told by, and one for what nobody knows.
enum class JobState {
  queued,     ///< it waits
  active,     ///< it runs
  completed,  ///< it ended by itself, with exit code 0
  failed,     ///< it ended, or was ended, in any other way
  cancelled,  ///< somebody took it back
  unknown     ///< the scheduler did not say, or says that there is no such job
};

constexpr bool has_ended(JobState state) {
  return state == JobState::completed || state == JobState::failed || state == JobState::cancelled;
}

std::string_view name_of(JobState state);

using JobId = std::string;
using Time = std::chrono::system_clock::time_point;

/// What a scheduler says of a job.
struct JobStatus {
  JobState state = JobState::unknown;
  bool ending = false;      ///< it is being ended: what else is said here is not final
  std::string word = {};    ///< the scheduler's own for it: "PENDING", "OUT_OF_MEMORY"
  std::string reason = {};  ///< in the scheduler's words: "Priority", "TimeLimit"; empty: none
  std::optional<int> exit_code = {};
  std::optional<int> signal = {};  ///< that ended it
  std::string host = {};           ///< the first of its hosts; empty: none yet
  std::optional<Time> start = {};  ///< when it began, or is expected to
  std::optional<Time> end = {};    ///< when it ended, or when its time is over

  bool operator==(const JobStatus&) const = default;
};

/// "queued (Priority)", "failed (TIMEOUT, TimeLimit), exit code 1".
std::string text_of(const JobStatus& status);

/// Jobs of workers, which are alike. They are numbered from 1.
struct JobRequest {
  std::string name;  ///< a word that no other cluster has; all jobs bear it
  int jobs = 1;      ///< how many
  int workers = 1;   ///< how many processes each of them starts
  /// Of each worker. The process's number within its job, from 0, follows as --cohort-worker-number=N.
  std::vector<std::string> command;
  std::string dir;  ///< working directory of the workers; empty: the one in which the job starts
  /// Path of the files that the workers of a job get as their standard input, up to the number of the job, which
  /// ".json" follows.
  std::string join_file;
  /// What is in them, by job; secrets: for the standard input of a process, and nowhere else.
  std::vector<std::string> join_texts;
  /// Path of the files for what the jobs print, up to the number of the job, which ".out" follows. A driver may keep
  /// its script beside them.
  std::string output;
  /// Changes to the environment of the workers; nullopt removes.
  std::map<std::string, std::optional<std::string>> environment;
  /// Called by submit() when the scheduler may have jobs of this name whose ids nobody will know: it did not answer.
  std::function<void()> in_doubt = {};
};

/// How the workers of a launch are divided into jobs.
enum class JobShape {
  one,   ///< one job of all workers
  each,  ///< one job a worker
  array  ///< one array, of which each job is a worker
};

/// What is particular about a scheduler.
struct Dialect {
  std::string name;  ///< "slurm"; of its manager, too, if that has jobs
  /// A command of sh that cancels all jobs whose name is "$1", also those of which nobody knows that they were
  /// submitted. It is run by a process that outlives this one. Empty: they end by themselves.
  std::string cancel_by_name;
  JobShape jobs = JobShape::one;  ///< unless the option `jobs` says otherwise
};

/// Talks to one scheduler. A scheduler with commands has a CommandDriver, which needs less. All functions may block for
/// as long as a command of the scheduler does, and throw Error if it fails. They may be called from any thread, and
/// several at once.
class QueueDriver {
 public:
  virtual ~QueueDriver() = default;
  virtual const Dialect& dialect() const = 0;
  /// What submit() would do, for people: the script and the command.
  virtual std::string describe(const JobRequest& request) const = 0;
  /// Hands jobs over, as an array where there is more than one and the scheduler has such. @return their ids, by
  /// number.
  /// @throws Error with what the scheduler says against it; then none of them is left, unless in_doubt() was called.
  virtual std::vector<JobId> submit(const JobRequest& request) = 0;
  /// Asks for all these jobs at once. A job that is not in the answer is unknown to the scheduler.
  virtual std::map<JobId, JobStatus> status(const std::vector<JobId>& jobs) = 0;
  /// Takes jobs back, whether they wait or run. One that is gone already is no error.
  virtual void cancel(const std::vector<JobId>& jobs) = 0;
  /// How one worker of a job ended that goes on, by what the job has printed. Empty: that does not show it, or not yet.
  /// @param ospid the worker's process id on its host.
  virtual std::string end_of_worker(std::string_view output, int ospid) const = 0;
  /// What is wrong with the host of a worker that was lost although its job goes on and says nothing of that. Empty:
  /// nothing, or it cannot be known. Throws nothing.
  virtual std::string trouble_of_host(const JobId&, std::string_view /*output*/, int /*ospid*/) { return ""; }
  /// Sends a signal to one worker of a job. Does nothing where the output does not show on which host it runs.
  virtual void signal_worker(const JobId& job, std::string_view output, int ospid, int number) = 0;
  /// How long the job may still run; nullopt: without a limit, or unknown.
  virtual std::optional<cohort::Duration> remaining(const JobId& job) = 0;
};

}  // namespace cohort::batch
