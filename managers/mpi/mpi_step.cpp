#include "mpi_step.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <cohort/batch/command.hpp>
#include <cohort/batch/job_script.hpp>
#include <cohort/batch/text_parts.hpp>
#include <cohort/batch/worker_marks.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "../batch/checked_options.hpp"

namespace cohort_mpi {

using cohort::batch::JobId;
using cohort::batch::JobRequest;
using cohort::detail::MutexLock;

namespace {

// Words of sh, in the environment of a process that mpiexec has started.
constexpr const char* rank_word = "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-$PMIX_RANK}}";

// $1: the working directory. $2: the join file. The rest: the worker. If it cannot be started at all, mpiexec is to end
// the others, too, so that the launch fails at once.
std::string shell_of_worker() {
  return std::string("cd -- \"$1\" || exit\nexec <\"$2\"\nshift 2\n\"$@\"\ncode=$?\necho \"") +
         std::string(cohort::batch::worker_end_mark) + rank_word +
         " $code\"\ncase $code in 126 | 127) exit $code ;; esac\nexit 0";
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string own_node() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

// "mpiexec (OpenRTE) 4.1.4", "mpirun (Open MPI) 5.0.3", "HYDRA build details:", "Intel(R) MPI Library for Linux* OS".
Launcher launcher_of(std::string_view version) {
  const auto has = [version](std::string_view word) { return version.find(word) != version.npos; };
  if (has("Open MPI") || has("OpenRTE") || has("PRRTE")) return Launcher::open_mpi;
  if (has("HYDRA") || has("Intel(R) MPI")) return Launcher::hydra;
  return Launcher::other;
}

StepOptions::StepOptions(const cohort::Options& options)
    : mpiexec(cohort::batch::text_option(options, "mpiexec").value()),
      flags(cohort::batch::words_option(options, "flags")),
      hosts(cohort::batch::words_option(options, "hosts")) {
  for (const auto& host : hosts)
    if (host.starts_with('-') || host.find_first_of(" ,'\"\\\t\r\n") != host.npos)
      throw cohort::ConfigError("hosts: '" + cohort::excerpt(host) +
                                "' is no NAME or NAME:SLOTS; several hosts are several texts: '[\"n1\",\"n2:4\"]'");
}

MpiStep::MpiStep(StepOptions options) : AllocationDriver("mpiexec", "mpiexec"), options_(std::move(options)) {}

Launcher MpiStep::launcher() const {
  const MutexLock lock(mutex_);
  if (launcher_) return *launcher_;
  try {
    launcher_ = launcher_of(cohort::batch::run({.words = {options_.mpiexec, "--version"}}));
  } catch (const cohort::batch::CommandError& error) {
    throw cohort::ConfigError(std::string(error.what()) +
                              " (the option 'mpiexec' names the command that starts "
                              "processes of MPI)");
  }
  return *launcher_;
}

std::vector<std::string> MpiStep::on_hosts(const std::vector<std::string>& hosts) const {
  if (hosts.empty()) return {};
  return {launcher() == Launcher::open_mpi ? "--host" : "-hosts", list(hosts)};
}

MpiStep::Step MpiStep::step(const JobRequest& request) const {
  const bool names_variables = launcher() == Launcher::open_mpi;  // the others take all of them to all hosts
  std::vector<std::string> words{options_.mpiexec, "-n", std::to_string(request.workers)};
  const auto append = [&words](const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  append(on_hosts(options_.hosts));
  for (const auto& [name, value] : request.environment)
    if (value && names_variables) append({"-x", name});
  append(options_.flags);
  append({"/bin/sh", "-c", shell_of_worker(), "cohort-shell", request.dir.empty() ? "." : request.dir,
          request.join_file + "1.json"});
  append(cohort::batch::marked_worker(rank_word, "$(uname -n)", request.command));
  return {std::move(words), request.environment, ""};
}

std::string MpiStep::describe(const JobRequest& request) const {
  return cohort::batch::shell_environment(request.environment) + cohort::batch::shell_words(step(request).command) +
         '\n';
}

std::string MpiStep::end_of_worker(std::string_view output, int ospid) const {
  const auto mark = cohort::batch::find_worker_mark(output, ospid);
  const std::string rank = mark ? "rank " + std::to_string(mark->number) : "";
  if (std::string end = cohort::batch::end_by_marks(output, ospid); !end.empty()) return rank + ' ' + end;
  const std::string why = why_all_ended(output);
  if (why.empty()) return "";
  return (mark ? rank + " on " + mark->node + ": " : "") +
         "mpiexec has ended all its processes, as one that used MPI did not end by MPI_Finalize: " + why;
}

void MpiStep::signal_worker(const JobId&, std::string_view output, int ospid, int number) {
  const auto mark = cohort::batch::find_worker_mark(output, ospid);
  if (!mark) return;
  if (mark->node == own_node()) {
    ::kill(ospid, number);
    return;
  }
  std::vector<std::string> words{options_.mpiexec, "-n", "1"};
  for (auto& word : on_hosts({mark->node})) words.push_back(std::move(word));
  for (auto word : {std::string("kill"), "-" + std::to_string(number), std::to_string(ospid)}) words.push_back(word);
  cohort::batch::run({.words = std::move(words)});
}

// Of Open MPI: "mpiexec noticed that process rank 2 with PID 0 on node vm exited on signal 9 (Killed).", or "Process
// name: [[10698,1],2]" and "Exit code:    7" in lines. Of MPICH: "=   PID 4711 RUNNING AT vm" and "=   EXIT CODE: 9".
std::string why_all_ended(std::string_view output) {
  std::string why;
  for (std::string_view line : cohort::batch::split(output, '\n')) {
    const auto begin = line.find_first_not_of("= \t");
    if (begin == line.npos) continue;
    line.remove_prefix(begin);
    const bool says = line.find(" noticed that process rank ") != line.npos || line.starts_with("Process name: [[") ||
                      line.starts_with("Exit code: ") || line.starts_with("EXIT CODE: ") ||
                      (line.starts_with("PID ") && line.find(" RUNNING AT ") != line.npos);
    if (says) why += (why.empty() ? "" : ", ") + std::string(line);
  }
  return why;
}

}  // namespace cohort_mpi
