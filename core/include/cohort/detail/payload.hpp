#pragma once

#include <cohort/archive.hpp>

// The memory of segments, and an encoded value inside of another message. Not for programs.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Memory like that of a received segment: 64-byte aligned, uninitialised, and used again when it was let go.
/// @throws std::bad_alloc.
std::shared_ptr<std::byte> segment_memory(std::size_t size);

/// Its segments are not copied.
void save_payload(OutArchive& archive, const Payload& payload);
/// @throws BadMessage, also if a segment has no owner.
Payload load_payload(InArchive& archive);

}  // namespace detail
}  // namespace cohort
