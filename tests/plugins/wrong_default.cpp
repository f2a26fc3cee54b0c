#include "fixture.hpp"

namespace {
constexpr cohort::Option options[] = {{"patience", cohort::OptionType::duration, "30", "How long to wait", nullptr}};
}

COHORT_CLUSTER_MANAGER("wrong_default", fixture::Idle, "1.0.0", options)
