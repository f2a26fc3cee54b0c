// Workers that are jobs of Grid Engine, or tasks of the job in which this program runs.

#include <cohort/plugin.hpp>

#include "../batch/command_manager.hpp"
#include "sge_driver.hpp"

namespace {

constexpr cohort::Option sge_options[] = {
    COHORT_BATCH_OPTIONS,
    COHORT_BATCH_PARTITION,
    {"pe", cohort::OptionType::string, nullptr, "parallel environment for jobs of more than one worker", nullptr},
};

using SgeManager = cohort::batch::CommandManager<cohort_sge::SgeDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("sge", SgeManager, "0.1.0", sge_options)
