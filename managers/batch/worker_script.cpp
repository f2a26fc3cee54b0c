#include <cohort/batch/worker_script.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <cohort/batch/job_script.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

// A shell that has a trap is not ended by the signals that a scheduler sends to all processes of a job, so it is there
// to say how the worker ended. A trap is not inherited by other programs.
constexpr std::string_view trap = "trap : INT TERM USR1 USR2\n";

// `wait` ends early when a signal comes.
constexpr const char* first_host = R"(if [ $# -eq 0 ]; then
  # On the first host of the job: start this script for each worker.
  job={index}
  exec >>{output} 2>&1
  {trap}
  number=0
  workers={workers}
  pids=
  start() {{
    [ "$number" -lt "$workers" ] || return 0
    "$@" /bin/sh {script_file} "$number" "$job" </dev/null &
    pids="$pids $!"
    number=$((number + 1))
  }
{on_hosts}
  [ "$number" -eq "$workers" ] || echo "this job has room for $number workers, of $workers"
  status=0
  for pid in $pids; do
    while wait "$pid"; code=$?; kill -0 "$pid" 2>/dev/null; do :; done
    [ "$code" -eq 0 ] || status=$code
  done
  exit "$status"
fi
number=$1
job=$2
{trap}
)";

constexpr const char* one_worker = R"({output_line}
{environment}
cd -- {dir} || exit
{worker} <{join_file}
code=$?
echo "{end_mark}$number $code"
exit "$code"
)";

// Paths of files whose names have the number of a job in them; "$job" is that in the script.
std::string of_job(const std::string& path, const std::string& suffix) {
  return shell_word(path) + "\"$job\"" + suffix;
}

}  // namespace

std::string script_file(const JobRequest& request) { return request.output + "script"; }

void write_script(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  std::error_code error;
  std::filesystem::permissions(path, std::filesystem::perms(0700), error);
  if (!file || error) throw cohort::Error("cannot write the job script " + path + ": " + std::strerror(errno));
}

std::string worker_lines(const WorkerStart& start, const JobRequest& request) {
  const std::string index = request.jobs == 1 ? "1" : std::string(start.array_index);
  const std::string output = of_job(request.output, ".out");
  const std::string environment = shell_environment(request.environment);
  const bool is_alone = request.workers == 1;
  std::string lines;
  if (is_alone) {
    lines = "number=0\njob=" + index + '\n' + std::string(trap);
  } else {
    const std::string file = script_file(request);
    if (shell_word(file) != file)
      throw cohort::ConfigError("files: the path '" + cohort::excerpt(file) +
                                "' goes through several shells where a job has more than one worker: take a directory "
                                "whose path has only letters, digits and _-+=./:@,% in it, or a job for each worker "
                                "(-o jobs=each)");
    lines = fill_in(first_host, {{"index", index},
                                 {"output", output},
                                 {"trap", std::string(trap.substr(0, trap.size() - 1))},
                                 {"workers", std::to_string(request.workers)},
                                 {"script_file", file},
                                 {"on_hosts", std::string(start.on_hosts)}});
  }
  TemplateValues values{
      {"output_line", std::nullopt},
      {"environment", std::nullopt},
      {"dir", std::nullopt},
      {"worker", shell_words({"/bin/sh", "-c"}) + ' ' +
                     shell_word("echo \"" + std::string(worker_mark) +
                                "$0 $$ $(uname -n)\"; exec \"$@\" --cohort-worker-number=\"$0\"") +
                     " \"$number\" " + shell_words(request.command)},
      {"join_file", of_job(request.join_file, ".json")},
      {"end_mark", std::string(worker_end_mark)},
  };
  if (is_alone || start.opens_output) values["output_line"] = "exec >>" + output + " 2>&1";
  if (!environment.empty()) values["environment"] = environment.substr(0, environment.size() - 1);
  if (!request.dir.empty()) values["dir"] = shell_word(request.dir);
  return lines + fill_in(one_worker, values);
}

}  // namespace cohort::batch
