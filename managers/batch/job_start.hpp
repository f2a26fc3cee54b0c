#pragma once

#include <optional>
#include <string>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// A job from its submission until its workers have come: when it began, and when it is given up. It only computes: its
/// owner says what the time is, never an earlier one than before.
class JobStart {
 public:
  using TimePoint = cohort::Clock::time_point;
  struct Limits {
    cohort::Duration queue;   ///< until the job runs
    cohort::Duration launch;  ///< from then on, until its workers have come
  };
  /// @param now it was submitted just now.
  explicit JobStart(TimePoint now = cohort::Clock::now()) : submitted_(now) {}

  /// @param status what the scheduler says of it. @param problem why the scheduler does not answer; empty: it does.
  /// @param arrived workers that have come.
  void look(const JobStatus& status, const std::string& problem, int arrived, TimePoint now);
  /// nullopt: it waits.
  const std::optional<TimePoint>& began() const { return began_; }
  /// When it is given up, if it goes on as it does.
  TimePoint limit(const Limits& limits) const;
  /// Why it is given up now, as what follows "job 7 ". Empty: it is not.
  std::string why_to_give_up(const JobStatus& status, const std::string& problem, const Limits& limits,
                             TimePoint now) const;

 private:
  TimePoint submitted_;
  std::optional<TimePoint> began_;
  std::optional<TimePoint> unknown_since_;  // to the scheduler, although that answers
  bool was_known_ = false;
};

}  // namespace cohort::batch
