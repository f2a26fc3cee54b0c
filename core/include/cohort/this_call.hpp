#pragma once

#include <cohort/types.hpp>

namespace cohort {

/// The remote call that the calling thread runs.
class ThisCall {
 public:
  /// Whether somebody interrupted this call: a long computation looks now and then, and ends.
  bool stop_requested() const;
  /// The process that made the call; the own one outside of any call.
  Pid caller() const;
};
inline ThisCall this_call() { return {}; }

/// Throws InterruptedException if the running call was interrupted.
void interruption_point();

}  // namespace cohort
