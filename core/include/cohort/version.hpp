#pragma once

namespace cohort {

/// "0.1.0"
const char* version();

}  // namespace cohort
