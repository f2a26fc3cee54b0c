#include "settings.hpp"

#include "text.hpp"

namespace cohort::fake_scheduler {

bool Settings::set(std::string_view name, std::string_view text) {
  if (name == "dialect") {
    dialect = text;
    return true;
  }
  const auto value = number(text);
  if (!value || *value < 0) return false;
  const auto small = static_cast<int>(std::min<std::int64_t>(*value, 1'000'000'000));
  if (name == "hosts")
    hosts = small;
  else if (name == "cpus")
    cpus = small;
  else if (name == "memory")
    memory = static_cast<std::uint64_t>(*value);
  else if (name == "kill-grace")
    kill_grace = Milliseconds(*value);
  else if (name == "keep")
    keep = Milliseconds(*value);
  else if (name == "fail-submission")
    faults.fail_submission = small;
  else if (name == "slow")
    faults.slow = Milliseconds(*value);
  else if (name == "status-delay")
    faults.status_delay = Milliseconds(*value);
  else if (name == "queue-limit")
    faults.queued_jobs = small;
  else if (name == "empty-status")
    faults.empty_status = *value != 0;
  else
    return false;
  return true;
}

}  // namespace cohort::fake_scheduler
