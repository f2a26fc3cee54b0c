// Workers that are jobs of HTCondor.

#include <cohort/plugin.hpp>

#include "../batch/command_manager.hpp"
#include "htcondor_driver.hpp"

namespace {

constexpr cohort::Option htcondor_options[] = {COHORT_BATCH_OPTIONS};

using HtcondorManager = cohort::batch::CommandManager<cohort_htcondor::HtcondorDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("htcondor", HtcondorManager, "0.1.0", htcondor_options)
