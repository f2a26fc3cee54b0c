#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "allocation_driver.hpp"
#include "batch_manager.hpp"
#include "command_driver.hpp"

namespace cohort::batch {

/// The manager of a scheduler, of which the driver is all that is particular. A driver has
///
///     explicit Driver(const cohort::Options& options);
///     static std::optional<Allocation> allocation();  // in which this process runs
///     static constexpr JobShape usual_jobs = ...;
template <class Driver>
class CommandManager final : public BatchManager {
 public:
  explicit CommandManager(const cohort::Options& options) : BatchManager(batch_options(options), driver(options)) {}

 private:
  static BatchOptions batch_options(const cohort::Options& options) {
    const auto allocation = Driver::allocation();
    BatchOptions batch(options, Driver::usual_jobs);
    if (allocation) batch.jobs = JobShape::one;
    if (allocation && !batch.count) batch.count = allocation->tasks;
    return batch;
  }

  static std::unique_ptr<QueueDriver> driver(const cohort::Options& options) {
    auto driver = std::make_unique<Driver>(options);
    if (auto allocation = Driver::allocation())
      return std::make_unique<ScriptStep>(std::move(driver), std::move(allocation->id));
    return driver;
  }
};

}  // namespace cohort::batch
