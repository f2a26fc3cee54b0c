#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../call.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::sge {

// Each answers one command, by its arguments. Those with a call answer later.

void qsub(const std::shared_ptr<Call>& call, Scheduler& scheduler);
void qrsh(const std::shared_ptr<Call>& call, Scheduler& scheduler);
Answer qstat(const std::vector<std::string>& arguments, const std::vector<JobView>& views);
Answer qdel(const std::vector<std::string>& arguments, Scheduler& scheduler);
Answer qacct(const std::vector<std::string>& arguments, const std::vector<JobView>& views);

/// "1", or of an array "1": all parts have one number.
JobNumber shown_number(const Job& job);

}  // namespace cohort::fake_scheduler::sge
