// The cluster manager "foreman": workers are jobs of a scheduler, which its driver talks to.

#include <cohort/batch/manager.hpp>
#include <cohort/plugin.hpp>

#include "foreman_driver.hpp"

COHORT_CLUSTER_MANAGER("foreman", cohort::batch::JobManager<ForemanDriver>, "0.1.0", foreman_options)
