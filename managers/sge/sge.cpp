// Workers that are jobs of Grid Engine, or tasks of the job in which this program runs.

#include <cohort/batch/manager.hpp>
#include <cohort/batch/options.hpp>
#include <cohort/plugin.hpp>

#include "sge_driver.hpp"

namespace {

constexpr auto sge_options = cohort::batch::options_with({
    cohort::batch::partition_option,
    {"pe", cohort::OptionType::string, nullptr, "parallel environment for jobs of more than one worker", nullptr},
});

using SgeManager = cohort::batch::JobManager<cohort_sge::SgeDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("sge", SgeManager, "0.1.0", sge_options)
