#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../call.hpp"
#include "../job_table.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::slurm {

// Each answers one command, by its arguments. Those with a call answer later.

void sbatch(const std::shared_ptr<Call>& call, Scheduler& scheduler);
void salloc(const std::shared_ptr<Call>& call, Scheduler& scheduler);
void srun(const std::shared_ptr<Call>& call, Scheduler& scheduler);
Answer scancel(const std::vector<std::string>& arguments, Scheduler& scheduler);
Answer scontrol(const std::vector<std::string>& arguments, Scheduler& scheduler);
Answer sinfo(const std::vector<std::string>& arguments, Scheduler& scheduler);
/// @param time_format of strftime(), or "standard".
Answer squeue(const std::vector<std::string>& arguments, const std::vector<JobView>& views,
              const std::string& time_format, Time now);

/// "OUT_OF_MEMORY", and "OOM" for short.
std::string_view state_name(State state);
std::string_view state_code(State state);
/// Those that a text names: "5", "6_1", "6_[1-3]". Empty: there is none.
std::vector<Job*> find_jobs(JobTable& jobs, std::string_view text);

}  // namespace cohort::fake_scheduler::slurm
