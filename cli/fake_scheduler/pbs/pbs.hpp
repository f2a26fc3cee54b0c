#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../call.hpp"
#include "../scheduler.hpp"

namespace cohort::fake_scheduler::pbs {

inline constexpr const char* server_name = "fake";

// Each answers one command, by its arguments. Those with a call answer later.

void qsub(const std::shared_ptr<Call>& call, Scheduler& scheduler);
void pbsdsh(const std::shared_ptr<Call>& call, Scheduler& scheduler);
Answer qstat(const std::vector<std::string>& arguments, const std::vector<JobView>& views);
Answer qselect(const std::vector<std::string>& arguments, const std::vector<JobView>& views);
/// qdel, qsig, qhold, qrls, qrerun.
Answer change(std::string_view command, const std::vector<std::string>& arguments, Scheduler& scheduler);

/// "7.fake", "7[2].fake".
std::string id_of(const Job& job);
/// What an id names: "7", "7.fake", "7[2]", "7[]", which is a whole array.
struct IdWanted {
  JobNumber number;
  std::optional<int> task;
  bool is_of(const Job& job) const {
    if (job.part.array == 0) return job.number == number && !task;
    return job.part.array == number && (!task || *task == job.part.task);
  }
};
std::optional<IdWanted> parse_id(std::string_view text);

}  // namespace cohort::fake_scheduler::pbs
