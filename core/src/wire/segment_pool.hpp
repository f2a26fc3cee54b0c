#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <cohort/bytes.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Memory for one received segment, 64-byte aligned, uninitialised. From 1 MiB on it is mapped: memory that is never
/// touched costs nothing, so a peer's word for the size may be believed; and it is kept for the next one when freed, at
/// most 256 MiB of it, because page faults are what limits bulk receive. Any thread. @throws std::bad_alloc.
std::shared_ptr<std::byte> allocate_segment(std::size_t size);

/// Gives memory that was kept, and not used for so long, back to the system. Any thread.
void trim_segments(Duration unused_for);
/// Bytes that are kept for the next segments.
std::size_t segments_kept();

/// A segment that owns a copy of `bytes`.
Segment copy_segment(std::span<const std::byte> bytes);

}  // namespace cohort
