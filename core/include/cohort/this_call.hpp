#pragma once

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// The remote call that the calling thread runs.
class ThisCall {
 public:
  /// Whether this call was interrupted or cancelled. A long computation should check it from time to time, and end.
  bool stop_requested() const;
  /// The process that made the call; outside of any call, this process.
  Pid caller() const;
};
inline ThisCall this_call() { return {}; }

/// Throws InterruptedException if the running call was interrupted.
void interruption_point();

}  // namespace cohort
