#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../call.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::htcondor {

// Each answers one command, by its arguments. Those with a call answer later.

void condor_submit(const std::shared_ptr<Call>& call, Scheduler& scheduler);
/// condor_q, and condor_history, which has the jobs that have left the queue.
Answer condor_q(bool history, const std::vector<std::string>& arguments, const std::vector<JobView>& views);
/// condor_rm, condor_hold, condor_release.
Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler);

/// "7.0": cluster and process.
std::string id_of(const Job& job);
/// Its time or its memory was over: it stays in the queue, and does not run.
bool is_held(const JobStatus& status);
/// Whether `text`, "7" or "7.0", names that job, or a constraint `JobBatchName == "x"` is true for it.
bool is_named(const Job& job, std::string_view text);
bool fits_constraint(const Job& job, std::string_view constraint);

}  // namespace cohort::fake_scheduler::htcondor
