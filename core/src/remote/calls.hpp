#pragma once

#include <span>
#include <vector>

#include <cohort/detail/runtime.hpp>

namespace cohort::detail {

/// One call to several other processes, sent to all before any answer is waited for. Returns when borrowed segments are
/// no longer needed. @return a future for each; of a process that cannot be called, one that has failed.
std::vector<FuturePtr> call_each(std::span<const Pid> pids, FunctionId function, const Payload& arguments);

}  // namespace cohort::detail
