#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../call.hpp"
#include "../job.hpp"
#include "../options.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::slurm {

/// What sbatch, salloc or srun was asked for, by options and by #SBATCH lines.
struct Submission {
  JobSpec spec;
  std::vector<int> array_tasks;
  int at_once = 0;
  bool parsable = false, wait = false, quiet = false, test_only = false;
  std::string wrap;               ///< of sbatch; a command in place of a script
  std::vector<std::string> rest;  ///< the words after the options
  // Of srun.
  std::string input = "all", jobid;
  std::vector<std::string> hosts;  ///< those it was to use; empty: any
  bool overlap = false, label = false, kill_on_bad_exit = false;
  Milliseconds wait_for_others{0};  ///< after the first task has ended; 0: for ever
  std::string output_file;
};

/// Jobs on this account are refused.
inline constexpr std::string_view denied_account = "denied";

/// Why it is refused, in the words of the command, and its exit status.
struct Refusal {
  std::string text;
  int code = 1;
};

/// Reads options of `command` ("sbatch") into a submission. Of two that say the same the last one counts.
/// @param stops_at_words nothing after the first word that is no option is read.
std::optional<Refusal> read_submission(std::string_view command, const std::vector<std::string>& words,
                                       Submission& into);
/// The #SBATCH lines of a script.
std::optional<Refusal> read_script(std::string_view script, Submission& into);

/// Whether the scheduler takes it: faults, limits, and what it asks for. nullopt: it does.
std::optional<Refusal> check(std::string_view command, Submission& submission, Scheduler& scheduler);

/// A time limit in the forms of Slurm: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours" ...
/// Unlike Slurm, which knows only minutes, seconds count.
std::optional<Milliseconds> parse_time(std::string_view text);
/// "1-02:00:00", "1:00:00", "0:10"; `full`: "01:00:00".
std::string time_text(Milliseconds time, bool full = false);

}  // namespace cohort::fake_scheduler::slurm
