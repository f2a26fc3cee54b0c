#pragma once

#include <cstdint>

namespace cohort_local {

/// Looks whether so many workers can be here, by the limits of descriptors and of processes; the launch would else end
/// after minutes, with the host full of them.
/// @throws cohort::LaunchError naming the limit, and how many can be.
void check_limits(std::int64_t workers);

}  // namespace cohort_local
