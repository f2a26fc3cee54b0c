#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <cohort/bytes.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Returns memory for one received segment, 64-byte aligned, uninitialised. From 1 MiB on it is mapped: untouched
/// memory costs nothing, so it can be allocated before the bytes arrive. Freed memory is kept for reuse, at most 256
/// MiB, because page faults limit the speed of bulk receive. May be called from any thread. @throws std::bad_alloc.
std::shared_ptr<std::byte> allocate_segment(std::size_t size);

/// Returns kept memory that was not used for this time to the system. May be called from any thread.
void trim_segments(Duration unused_for);
/// Number of bytes that are kept for reuse.
std::size_t segments_kept();

/// A segment that owns a copy of `bytes`.
Segment copy_segment(std::span<const std::byte> bytes);

}  // namespace cohort
