#include "fixture.hpp"

namespace {
constexpr cohort::Option options[] = {{"patience", cohort::OptionType::duration, "\"30s\"", nullptr, nullptr}};
}

COHORT_CLUSTER_MANAGER("no_help", fixture::Idle, "1.0.0", options)
