#pragma once

#include <string>
#include <vector>

#include "../job.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::slurm {

inline constexpr const char* cluster_name = "fake";

/// What salloc sets for the command that it runs, and all others get, too.
void set_job_variables(std::vector<std::string>& environment, const Job& job);
/// What a batch script gets.
std::vector<std::string> batch_environment(const Job& job);
/// What all tasks of a step get.
void set_step_variables(std::vector<std::string>& environment, const Job& job, int step,
                        const std::vector<Place>& places);
/// What only one of them gets.
std::vector<std::string> task_variables(const std::vector<Place>& places, int task, const Place& place,
                                        int task_on_host);

/// The end of its time; 0: it has none.
std::int64_t end_time(const Job& job, const JobStatus& status);
/// Its hosts, as "n[1-2]".
std::string host_list(const std::vector<Place>& places);
/// Fills in a file name: %j, %A, %a, %x, %u, %N, %n, %t, %%, with a width as in %4j.
std::string file_name(const std::string& pattern, const Job& job);
std::string default_output(const Job& job);

}  // namespace cohort::fake_scheduler::slurm
