#pragma once

#include <cohort/detail/language.hpp>

namespace cohort {

/// Gives a handle (a Future, a RemoteChannel, a RemoteStore) back now: it is as if it had never been made. Other copies
/// in this process stay valid, and keep what it names.
template <class Handle>
requires requires(const Handle& handle) { handle.owner(); }
void finalize(Handle& handle) { handle = Handle(); }

}  // namespace cohort
