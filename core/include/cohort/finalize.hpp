#pragma once

#include <cohort/detail/language.hpp>

namespace COHORT_EXPORT cohort {

/// Releases a handle (a Future, a RemoteChannel, a RemoteStore) now; it is then an empty handle. Other copies in this
/// process stay valid, and keep the value alive.
template <class Handle>
requires requires(const Handle& handle) { handle.owner(); }
void finalize(Handle& handle) { handle = Handle(); }

}  // namespace cohort
