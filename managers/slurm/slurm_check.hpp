#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/types.hpp>

#include "../batch/finding.hpp"

namespace cohort_slurm {

/// Looks whether such a job could run: commands, controller, a submission that is only tested, the state and the time
/// limit of its partition. Blocks.
/// @param submit the words of sbatch. @param script of the job. @param walltime of the job, if one is asked for.
/// @param limit for each command.
std::vector<cohort::batch::Finding> check_slurm(const std::vector<std::string>& submit, const std::string& script,
                                                const std::optional<cohort::Duration>& walltime,
                                                cohort::Duration limit);

struct Partition {
  std::string name;
  bool is_up = false;
  std::optional<cohort::Duration> limit;  ///< nullopt: none
};

/// How sinfo is asked, so that parse_partitions() understands it.
inline constexpr const char* partition_format = "--format=%P|%a|%l";
/// A partition may be there several times, as for each state of its nodes.
std::vector<Partition> parse_partitions(std::string_view text);

/// In which partition a job would be, by what `sbatch --test-only` prints; empty: it does not say that.
std::string partition_of_test(std::string_view text);

/// What the partition says of such a job: its state, and its time limit.
std::vector<cohort::batch::Finding> check_partition(const std::vector<Partition>& partitions, const std::string& name,
                                                    const std::optional<cohort::Duration>& walltime);

}  // namespace cohort_slurm
