#pragma once

#include <cohort/types.hpp>

namespace cohort::contract {

/// As long as a wait may take where everything works but the machine is busy.
inline constexpr Duration patience = std::chrono::seconds(60);

}  // namespace cohort::contract
