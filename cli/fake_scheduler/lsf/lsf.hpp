#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../call.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::lsf {

// Each answers one command, by its arguments. Those with a call answer later.

void bsub(const std::shared_ptr<Call>& call, Scheduler& scheduler);
void blaunch(const std::shared_ptr<Call>& call, Scheduler& scheduler);
Answer bjobs(const std::vector<std::string>& arguments, const std::vector<JobView>& views, Time now);
/// bkill, bstop, bresume.
Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler);

/// "7", "7[2]".
std::string id_of(const Job& job);
/// Whether `text`, "7" or "7[2]", names that job, or an array that it is of.
bool is_named(const Job& job, std::string_view text);

}  // namespace cohort::fake_scheduler::lsf
