// Workers that are jobs of HTCondor.

#include <cohort/batch/manager.hpp>
#include <cohort/batch/options.hpp>
#include <cohort/plugin.hpp>

#include "htcondor_driver.hpp"

namespace {

using HtcondorManager = cohort::batch::JobManager<cohort_htcondor::HtcondorDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("htcondor", HtcondorManager, "0.1.0", cohort::batch::job_options)
