#include "finding.hpp"

#include <cohort/error.hpp>

namespace cohort::batch {

std::vector<Finding> examine(QueueDriver& driver, const JobRequest& request, cohort::Duration limit) {
  if (auto* examining = dynamic_cast<ExaminingDriver*>(&driver)) return examining->check(request, limit);
  try {
    driver.status({"1"});
    return {Finding::good("scheduler", "answers")};
  } catch (const cohort::Error& error) {
    return {Finding::bad("scheduler", error.what(), "")};
  }
}

}  // namespace cohort::batch
