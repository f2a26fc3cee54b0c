#pragma once

#include <memory>
#include <string>

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "ring.hpp"

namespace cohort_shm {

// How two processes come to share rings: they are connected by a Unix socket, and have checked that both belong to the
// same user. The one that accepted makes a memory and two bells (see ring.hpp), passes them on by the socket, and
// closes it. Where it cannot (memfd_create is forbidden, no memory, no descriptors), it says so, and the socket itself
// carries the bytes.

/// The accepting side. Never waits, never throws for lack of anything. @param socket non-blocking.
cohort::IoPair offer_rings(cohort::FileDescriptor socket);

/// The dialling side: waits for the offer. @param what how the errors begin. @throws Error if the other side offers
/// nothing, or what this side cannot use; TimeoutError at the deadline.
cohort::IoPair take_rings(cohort::FileDescriptor socket, cohort::Clock::time_point deadline, const std::string& what);

/// The same without the stream. @return null if the bytes go by the socket.
std::shared_ptr<Link> take_link(const cohort::FileDescriptor& socket, cohort::Clock::time_point deadline,
                                const std::string& what);

}  // namespace cohort_shm
