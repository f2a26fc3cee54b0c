// Workers that are jobs of Slurm, or a step of the allocation in which this program runs.

#include <memory>
#include <string>
#include <utility>

#include <cohort/batch/options.hpp>
#include <cohort/error.hpp>
#include <cohort/plugin.hpp>

#include "../batch/batch_manager.hpp"
#include "slurm_driver.hpp"
#include "slurm_step.hpp"

namespace {

constexpr auto slurm_options = cohort::batch::options_with({cohort::batch::partition_option});

class SlurmManager final : public cohort::batch::BatchManager {
 public:
  explicit SlurmManager(const cohort::Options& options)
      : BatchManager(batch_options(options), driver(cohort::batch::SubmitOptions(options))) {}

 private:
  static cohort::batch::BatchOptions batch_options(const cohort::Options& options) {
    cohort::batch::BatchOptions batch(options);
    const auto allocation = cohort_slurm::SlurmStep::current();
    if (allocation) batch.jobs = cohort::batch::JobShape::one;
    if (allocation && !batch.count) batch.count = allocation->tasks;
    return batch;
  }

  static std::unique_ptr<cohort::batch::QueueDriver> driver(cohort::batch::SubmitOptions options) {
    auto allocation = cohort_slurm::SlurmStep::current();
    if (!allocation) return std::make_unique<cohort_slurm::SlurmDriver>(std::move(options));
    if (const auto masters = cohort_slurm::SlurmStep::siblings(); masters > 1)
      throw cohort::ConfigError("srun has started this program " + std::to_string(masters) +
                                " times, and each would be a master with workers of its own. Start it once, without "
                                "srun or by srun -n 1 --overlap; or let these processes be the master and its workers: "
                                "srun -n 9 cohort run --launched PROGRAM");
    return std::make_unique<cohort_slurm::SlurmStep>(std::move(allocation->id), std::move(options.flags));
  }
};

}  // namespace

COHORT_CLUSTER_MANAGER("slurm", SlurmManager, "0.1.0", slurm_options)
