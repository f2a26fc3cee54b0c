#pragma once

#include <cohort/archive.hpp>
#include <cohort/types.hpp>

// The memory of segments, and an encoded value inside of another message. Not for programs.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Memory like that of a received segment: 64-byte aligned, uninitialised, and used again when it was let go.
/// @throws std::bad_alloc.
std::shared_ptr<std::byte> segment_memory(std::size_t size);

/// Copies what was not sent yet to process `pid` of the segments of this owner, and lets go of it. Call it again if the
/// owner still lives a while later: a thread may have been sending. @throws std::bad_alloc.
void copy_unsent(Pid pid, const void* owner);

/// Its segments are not copied.
void save_payload(OutArchive& archive, const Payload& payload);
/// @throws BadMessage, also if a segment has no owner.
Payload load_payload(InArchive& archive);

}  // namespace detail
}  // namespace cohort
