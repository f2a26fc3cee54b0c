#pragma once

#include <string>
#include <utility>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// What was looked at before jobs are submitted, and what was found.
struct Finding {
  enum class Outcome {
    good,
    warning,  ///< workers can be started all the same
    bad,
    skipped  ///< something else has to be good first
  };

  std::string name;  ///< one word: "partition"
  Outcome outcome = Outcome::good;
  std::string found = {};
  std::string hint = {};  ///< what to try; empty where nothing is to be done

  static Finding good(std::string name, std::string found) {
    return {std::move(name), Outcome::good, std::move(found)};
  }
  static Finding warning(std::string name, std::string found, std::string hint) {
    return {std::move(name), Outcome::warning, std::move(found), std::move(hint)};
  }
  static Finding bad(std::string name, std::string found, std::string hint) {
    return {std::move(name), Outcome::bad, std::move(found), std::move(hint)};
  }
  static Finding skipped(std::string name, std::string why) {
    return {std::move(name), Outcome::skipped, std::move(why)};
  }
};

/// A driver that can say beforehand whether jobs could run.
class ExaminingDriver {
 public:
  virtual ~ExaminingDriver() = default;
  /// Submits nothing. Throws nothing that the scheduler is to blame for. @param limit for each command.
  virtual std::vector<Finding> check(const JobRequest& request, cohort::Duration limit) = 0;
};

/// Lets the driver look whether such jobs could run. From others than an ExaminingDriver one learns whether their
/// scheduler answers, as it is asked for a job.
std::vector<Finding> examine(QueueDriver& driver, const JobRequest& request, cohort::Duration limit);

}  // namespace cohort::batch
