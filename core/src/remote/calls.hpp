#pragma once

#include <span>
#include <vector>

#include <cohort/detail/runtime.hpp>

namespace cohort::detail {

/// Sends one call to several other processes, without waiting for answers. Returns when borrowed segments are no longer
/// needed: when the messages are sent or, at the latest by `options`, copied. @return a future for each process; if a
/// process cannot be called, its future has failed.
std::vector<FuturePtr> call_each(std::span<const Pid> pids, FunctionId function, const Payload& arguments,
                                 const WaitOptions& options = {});

}  // namespace cohort::detail
