#pragma once

#include <string>
#include <string_view>

#include <cohort/batch/queue_driver.hpp>

namespace cohort::batch {

/// How the workers of a job are started, in the words of sh.
struct WorkerStart {
  /// The number of a job within its array: "$SGE_TASK_ID".
  std::string_view array_index = {};
  /// Lines that call start() once for each worker of the job, with a command before it that runs what follows on
  /// another host: `start qrsh -inherit "$host"`. Without one, start() is for this host.
  std::string_view on_hosts = {};
  /// What a worker on another host prints does not come back by the command that started it: it opens the file itself.
  bool opens_output = false;
};

/// The file in which a driver keeps the script of jobs. With more than one worker in a job, all its hosts read it.
std::string script_file(const JobRequest& request);

/// The lines of a job script that start the workers, and last as long as they. A worker prints its marks into the
/// output of its job (worker_marks.hpp), and gets the join file as its standard input. For a job with more than one
/// worker, the script runs once on the first host, and starts itself for each worker, with the numbers of the worker
/// and of the job. @throws ConfigError if a path cannot be a word of such a command.
std::string worker_lines(const WorkerStart& start, const JobRequest& request);

/// Writes a script for its owner alone. @throws Error.
void write_script(const std::string& path, const std::string& text);

}  // namespace cohort::batch
