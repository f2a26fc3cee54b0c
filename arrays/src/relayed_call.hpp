#pragma once

#include <cohort/detail/runtime.hpp>

// A call that the master passes on.

namespace cohort::detail {

struct RelayedCall {
  Pid pid = no_pid;
  FunctionId function{};
  Payload arguments{};
};
/// Segments are borrowed from the arguments.
Payload encode_relayed(Pid pid, FunctionId function, const Payload& arguments);
RelayedCall decode_relayed(InArchive& archive);

/// @return the future of the result of the call itself.
FuturePtr start_through_master(Pid pid, FunctionId function, const Payload& arguments);

}  // namespace cohort::detail
