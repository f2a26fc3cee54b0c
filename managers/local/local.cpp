// The manager of workers on this host.

#include "local_manager.hpp"

namespace {

constexpr cohort::Option local_options[] = {
    COHORT_LOCAL_OPTIONS,
    {"restrict", cohort::OptionType::boolean, "true",
     "listen on the loopback address only, so that no other host can connect", nullptr},
};

}  // namespace

COHORT_CLUSTER_MANAGER("local", cohort_local::LocalManager, "0.1.0", local_options)
