#include "slurm_check.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>

#include <cohort/batch/command.hpp>
#include <cohort/batch/text_parts.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "../batch/command_words.hpp"
#include "slurm_answers.hpp"

namespace cohort_slurm {

using cohort::batch::CommandError;
using cohort::batch::Finding;
using cohort::batch::split;
using cohort::batch::trimmed;

namespace {

constexpr const char* names[] = {"commands", "controller", "submission", "partition", "walltime"};

// Those that were not looked at, because the last one is bad.
std::vector<Finding> with_the_rest_skipped(std::vector<Finding> findings) {
  const std::string why = findings.back().name + " first";
  for (std::size_t i = 0; i < std::size(names); ++i) {
    const bool is_there = std::ranges::any_of(findings, [i](const Finding& one) { return one.name == names[i]; });
    if (!is_there) findings.push_back(Finding::skipped(names[i], why));
  }
  return findings;
}

std::string names_of_those_up(const std::vector<Partition>& partitions) {
  std::set<std::string> up;
  for (const auto& partition : partitions)
    if (partition.is_up) up.insert(partition.name);
  std::string text;
  for (const auto& name : up) text += (text.empty() ? "" : ", ") + name;
  return up.empty() ? "no partition is up" : "partitions that are up: " + text + " (-o partition=NAME)";
}

std::string in_one_line(std::string_view text) {
  std::string line;
  for (const std::string_view part : split(trimmed(text), '\n'))
    line += (line.empty() ? "" : "; ") + std::string(trimmed(part));
  return line;
}

// What slurmctld and sbatch are known to say, and what helps.
std::string hint_for(std::string_view refusal, const std::vector<Partition>& partitions) {
  const auto says = [refusal](std::string_view words) { return refusal.find(words) != refusal.npos; };
  if (says("invalid partition") || says("Invalid partition")) return names_of_those_up(partitions);
  if (says("Invalid account")) return "your accounts: sacctmgr show associations user=$USER (-o account=NAME)";
  if (says("node configuration is not available") || says("node count"))
    return "fewer workers (-p), or a partition with more: sinfo";
  if (says("time limit")) return "a shorter time (-o walltime=1h): sinfo shows the limits";
  return "what is submitted: the option dry_run=true prints it";
}

}  // namespace

std::vector<Finding> check_slurm(const std::vector<std::string>& submit, const std::string& script,
                                 const std::optional<cohort::Duration>& walltime, cohort::Duration limit) {
  std::vector<Finding> findings;
  std::string missing;
  for (const char* program : {"sbatch", "squeue", "scancel", "srun", "sinfo"})
    if (!cohort::batch::is_in_path(program)) missing += (missing.empty() ? "" : ", ") + std::string(program);
  if (!missing.empty()) {
    findings.push_back(Finding::bad(names[0], "not in PATH: " + missing,
                                    "is this a host from which jobs can be submitted? Perhaps: module load slurm"));
    return with_the_rest_skipped(std::move(findings));
  }
  findings.push_back(Finding::good(names[0], "sbatch, squeue, scancel, srun, sinfo"));
  if (const char* job = std::getenv("SLURM_JOB_ID"); job != nullptr)
    findings.push_back(Finding::warning(
        "allocation",
        "this is within job " + cohort::excerpt(job) + ": workers would be a step of it, not a job of their own",
        "to examine jobs, leave the allocation"));

  std::vector<Partition> partitions;
  try {
    partitions =
        parse_partitions(cohort::batch::run({.words = {"sinfo", "--noheader", partition_format}, .limit = limit}));
  } catch (const CommandError& error) {
    findings.push_back(
        Finding::bad(names[1], in_one_line(error.what()),
                     "SLURM_CONF, or slurm.conf of this host, says where the controller is. Is it running?"));
    return with_the_rest_skipped(std::move(findings));
  }
  findings.push_back(Finding::good(names[1], "answers"));

  // It prints what it has to say to standard error, also if all is well.
  std::vector<std::string> test{"/bin/sh", "-c", "exec \"$@\" --test-only 2>&1", "sbatch"};
  test.insert(test.end(), submit.begin(), submit.end());
  std::string said;
  try {
    said = cohort::batch::run({.words = std::move(test), .input = script, .limit = limit});
  } catch (const CommandError& error) {
    const std::string why = error.printed().empty() ? error.what() : error.printed();
    findings.push_back(
        Finding::bad(names[2], in_one_line(cohort::excerpt(why, 1000, true)), hint_for(why, partitions)));
    return with_the_rest_skipped(std::move(findings));
  }
  findings.push_back(Finding::good(names[2], in_one_line(said)));
  for (auto& finding : check_partition(partitions, partition_of_test(said), walltime))
    findings.push_back(std::move(finding));
  return findings;
}

// "all*|up|1:00:00": the star marks the default.
std::vector<Partition> parse_partitions(std::string_view text) {
  std::vector<Partition> partitions;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, '|');
    if (fields.size() < 3) continue;
    std::string_view name = trimmed(fields[0]);
    if (name.ends_with('*')) name.remove_suffix(1);
    partitions.push_back({std::string(name), trimmed(fields[1]) == "up", parse_time(fields[2])});
  }
  return partitions;
}

// "sbatch: Job 3 to start at 2026-11-30T14:57:17 using 1 processors on nodes n1 in partition all".
std::string partition_of_test(std::string_view text) {
  constexpr std::string_view mark = " in partition ";
  const auto at = text.rfind(mark);
  if (at == text.npos) return "";
  text.remove_prefix(at + mark.size());
  return std::string(trimmed(text.substr(0, text.find('\n'))));
}

std::vector<Finding> check_partition(const std::vector<Partition>& partitions, const std::string& name,
                                     const std::optional<cohort::Duration>& walltime) {
  const auto found = std::ranges::find(partitions, name, &Partition::name);
  if (found == partitions.end()) {
    const std::string why = name.empty() ? "sbatch does not say in which partition the job would be"
                                         : "sinfo does not know the partition " + cohort::excerpt(name);
    return {Finding::skipped("partition", why), Finding::skipped("walltime", why)};
  }
  std::vector<Finding> findings;
  if (found->is_up)
    findings.push_back(Finding::good("partition", name + " is up"));
  else
    findings.push_back(
        Finding::bad("partition", name + " is not up: its jobs stay in the queue", names_of_those_up(partitions)));
  const std::string most = name + (found->limit ? " allows " + time_text(*found->limit) : " has no limit");
  if (!walltime)
    findings.push_back(Finding::good("walltime", "not given; " + most));
  else if (found->limit && *walltime > *found->limit)
    findings.push_back(Finding::bad("walltime", time_text(*walltime) + " is too long: " + most,
                                    "a shorter -o walltime, or another partition: the job would stay in the queue"));
  else
    findings.push_back(Finding::good("walltime", time_text(*walltime) + "; " + most));
  return findings;
}

}  // namespace cohort_slurm
