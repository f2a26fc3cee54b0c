#include <cohort/batch/manager.hpp>

#include <utility>

#include <cohort/batch/command_driver.hpp>

#include "allocation_driver.hpp"
#include "batch_manager.hpp"
#include "batch_options.hpp"

namespace cohort::batch {
namespace {

std::unique_ptr<cohort::ClusterManager> make_manager(const cohort::Options& options,
                                                     std::unique_ptr<QueueDriver> driver) {
  BatchOptions batch(options, driver->dialect().jobs);
  auto* by_commands = dynamic_cast<CommandDriver*>(driver.get());
  if (by_commands == nullptr) return std::make_unique<BatchManager>(batch, std::move(driver));
  if (auto allocation = by_commands->allocation()) {
    batch.jobs = JobShape::one;
    if (!batch.count) batch.count = allocation->tasks;
    (void)driver.release();
    driver = std::make_unique<ScriptStep>(std::unique_ptr<CommandDriver>(by_commands), std::move(allocation->id));
  }
  return std::make_unique<BatchManager>(batch, std::move(driver));
}

}  // namespace

ManagerOfJobs::ManagerOfJobs(const cohort::Options& options, std::unique_ptr<QueueDriver> driver)
    : manager_(make_manager(options, std::move(driver))) {}

ManagerOfJobs::~ManagerOfJobs() = default;

void ManagerOfJobs::launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) {
  manager_->launch(params, launched);
}

void ManagerOfJobs::manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) {
  manager_->manage(pid, config, op);
}

cohort::IoPair ManagerOfJobs::connect(cohort::Pid pid, cohort::WorkerConfig& config, cohort::Transport& transport,
                                      cohort::Clock::time_point deadline) {
  return manager_->connect(pid, config, transport, deadline);
}

void ManagerOfJobs::kill(cohort::Pid pid, cohort::WorkerConfig& config) { manager_->kill(pid, config); }

std::string ManagerOfJobs::exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) {
  return manager_->exit_cause(pid, config);
}

}  // namespace cohort::batch
