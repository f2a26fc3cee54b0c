#include <cohort/launched.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <vector>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

namespace cohort {
namespace {

constexpr int most_ancestors = 20;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// nullopt: the launcher has not started this process.
std::optional<LaunchedProcess> from(const std::string& launcher, const char* rank_name, const char* size_name) {
  const std::string rank_text = variable(rank_name), size_text = variable(size_name);
  if (rank_text.empty() || size_text.empty()) return std::nullopt;
  const auto rank = number(rank_text), size = number(size_text);
  if (!rank || !size || *rank < 0 || *rank >= *size)
    throw ConfigError(fmt::format("{} and {} of the environment say that this is process '{}' of '{}', which cannot be",
                                  rank_name, size_name, excerpt(rank_text), excerpt(size_text)));
  return LaunchedProcess{launcher, *rank, *size, ""};
}

std::vector<std::string> command_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid));
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(std::move(word));
  return words;
}

pid_t parent_of(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("PPid:\t")) return number(std::string_view(line).substr(6)).value_or(0);
  }
  return 0;
}

// Hydra, the process manager of MPICH, tells its processes no name of the run. Above each of them is a proxy, and all
// proxies are told the one address at which mpiexec waits for them.
std::string run_of_hydra() {
  pid_t pid = getppid();
  for (int i = 0; i < most_ancestors && pid > 1; i++, pid = parent_of(pid)) {
    const auto words = command_of(pid);
    if (words.empty() || !std::string_view(words[0]).ends_with("hydra_pmi_proxy")) continue;
    for (std::size_t word = 1; word + 1 < words.size(); word++) {
      if (words[word] == "--control-port") return "mpich-" + words[word + 1];
    }
  }
  return "";
}

// A job that is put back into the queue runs again with the same id.
std::string run_of_slurm() {
  const std::string job = variable("SLURM_JOB_ID"), step = variable("SLURM_STEP_ID");
  if (job.empty() || step.empty()) return "";
  const std::string restarts = variable("SLURM_RESTART_COUNT");
  return "slurm-" + job + '.' + step + (restarts.empty() || restarts == "0" ? "" : "-again" + restarts);
}

}  // namespace

// Those of MPI first: their mpiexec may itself start its helpers by srun, whose environment the processes then have,
// too.
std::optional<LaunchedProcess> launched_process() {
  if (auto process = from("mpiexec of Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")) {
    std::string run = variable("PMIX_NAMESPACE");
    if (run.empty()) run = variable("OMPI_MCA_ess_base_jobid");
    if (!run.empty()) process->run = "openmpi-" + run;
    return process;
  }
  const bool in_step = !variable("SLURM_STEP_ID").empty();  // a batch script has a SLURM_PROCID as well
  if (auto process = from("mpiexec", "PMI_RANK", "PMI_SIZE")) {
    process->run = run_of_hydra();
    if (!process->run.empty()) process->launcher = "mpiexec of MPICH";
    if (!process->run.empty() || !in_step) return process;
  }
  std::optional<LaunchedProcess> process;
  if (in_step) process = from("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  if (process) process->run = run_of_slurm();
  return process;
}

std::filesystem::path meeting_point(const LaunchedProcess& process, const std::filesystem::path& directory,
                                    const std::string& name) {
  std::string run = name.empty() ? process.run : name;
  if (run.empty())
    throw ConfigError(fmt::format(
        "the processes that {} has started cannot be told from those of another run, as it gives its runs no name. "
        "Give this one a name that no other has: cohort run -m launched -o name=NAME",
        process.launcher));
  for (char& c : run) {
    const bool usual = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!usual && c != '-' && c != '.' && c != '_') c = '_';
  }
  return (std::filesystem::absolute(expand_home(directory.string())) / ("cohort-" + run + ".json")).lexically_normal();
}

}  // namespace cohort
