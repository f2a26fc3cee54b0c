// cohort map: runs a command for each input, on whichever worker is free.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include <cohort/cohort.hpp>
#include <cohort/detail/tool.hpp>

#include "cluster_flags.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "flag_values.hpp"
#include "map_run.hpp"
#include "parallel_flags.hpp"

namespace cohort::cli {
namespace {

const std::vector<std::string> halts = {"never", "soon", "now"};

struct MapFlags {
  ClusterFlags cluster;
  MapSettings settings;
  bool shell = false;
  bool null = false;
  bool progress = false;
  bool no_progress = false;
  std::string jobs = "1", retries = "0", halt = "never", timeout = "never";
  std::vector<std::string> files;
};

/// "echo {} | wc" given as one word would be taken for the name of a program.
void refuse_shell_text(const std::vector<std::string>& words) {
  const bool text = words.size() == 1 && words[0].find_first_of(" |;&<>$`") != std::string::npos;
  if (text && access(words[0].c_str(), F_OK) != 0)
    throw UsageError("'" + words[0] + "' is one word, and no program; with --shell it is run by sh");
}

/// GNU parallel's --load 80%, and -L 2, mean something else.
void refuse_numbers_as_modules(const std::vector<std::string>& modules) {
  for (const auto& module : modules) {
    if (module.find_first_not_of("0123456789.%") != module.npos || access(module.c_str(), F_OK) == 0) continue;
    throw UsageError("--load (-L) is a shared object that the workers load, and '" + module +
                     "' is none. The load of machines is not looked at: -p and -j say how many jobs run at once");
  }
}

std::string instead_of_parallel_flag(const std::string& flag) {
  const std::string advice = advice_for_parallel_flag(flag);
  return advice.empty() ? "" : "'cohort map' has no flag " + flag + ", which GNU parallel has: " + advice;
}

int map(const MapFlags& flags, std::vector<std::string> words) {
  MapSettings settings = flags.settings;
  settings.slots = whole_number("--jobs", flags.jobs, 1, 1000);
  settings.retries = whole_number("--retries", flags.retries, 0, 1'000'000);
  settings.halt = std::array{Halt::never, Halt::soon, Halt::now}.at(choice("--halt", flags.halt, halts));
  settings.timeout = duration("--timeout", flags.timeout);
  if (flags.progress) settings.progress = ProgressBar::Show::always;
  if (flags.no_progress) settings.progress = ProgressBar::Show::off;
  refuse_numbers_as_modules(flags.cluster.modules());
  JobInputs inputs(words, flags.files, flags.null ? '\0' : '\n');
  if (words.empty()) throw UsageError("which command? It comes before the inputs: cohort map -- CMD {} ::: INPUTS");
  if (!flags.shell) refuse_shell_text(words);
  const JobTemplate command(std::move(words), flags.shell, inputs.sources());

  int argc = 1;
  char name[] = "cohort";
  char* argv[] = {name, nullptr};
  detail::set_session_exit_status(map_status);
  const InterruptSignal interrupt_signal;
  Session session(argc, argv);
  const auto workers =
      start_workers(flags.cluster, interrupt_signal, settings.slots > 1 ? settings.slots : 0, flags.no_progress);
  return MapRun(settings, command, std::move(inputs), workers, interrupt_signal).run();
}

}  // namespace

Command map_command() {
  auto flags = std::make_shared<MapFlags>();
  MapSettings& settings = flags->settings;
  Command command{.name = "map", .help = "Run a command for each of many inputs"};
  command.program = Command::Program::required;
  command.advice_for_flag = instead_of_parallel_flag;
  command.footer =
      "Inputs: ::: WORDS... , :::: FILES... , -a FILE, or else the lines of standard input; several give all\n"
      "combinations, those after :::+ or ::::+ go in step with the source before.\n"
      "Replaced in the command: {} the input, {.} without extension, {/} last part, {//} directory, {/.} last part\n"
      "without extension, {#} number of the job, {%} number of the slot, {1} {2.} ... of several sources.\n"
      "Without any, the input comes last. Exit status: the number of failed jobs, 101 for more than 100; from 111 on\n"
      "it is not about the jobs.";
  command.flags = flags->cluster.flags();
  const std::vector<Flag> own = {
      {"-j,--jobs", &flags->jobs, "Jobs at once on a worker", "N"},
      {"-k,--keep-order", &settings.keep_order, "Print outputs in the order of the inputs"},
      {"--tag", &settings.tag, "Begin each line of output with its input"},
      {"--shell", &flags->shell, "Run the command by sh -c, inputs quoted"},
      {"-a,--arg-file", &flags->files, "Read inputs from a file, a line each; - is standard input", "FILE"},
      {"-0,--null", &flags->null, "In files and on standard input, inputs end with a NUL instead of a line end"},
      {"--retries", &flags->retries, "Try a failed job again so often, on other workers if there are", "N"},
      {"--halt", &flags->halt, "At the first failure: go on, start no more jobs, or end all jobs", "never|soon|now"},
      {"--timeout", &flags->timeout, "End a job that runs longer: 30s, 5m, 1h30m", "DURATION"},
      {"--joblog", &settings.joblog, "Write a line for each job to this file, as GNU parallel does", "FILE"},
      {"--progress", &flags->progress, "Show progress also where stderr is no terminal"},
      {"--no-progress", &flags->no_progress, "Do not show progress"},
  };
  command.flags.insert(command.flags.end(), own.begin(), own.end());
  command.action = [flags](const std::vector<std::string>& program) { return map(*flags, program); };
  return command;
}

}  // namespace cohort::cli
