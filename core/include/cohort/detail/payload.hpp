#pragma once

#include <cohort/archive.hpp>

// An encoded value inside of another message. Not for programs.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Its segments are not copied.
void save_payload(OutArchive& archive, const Payload& payload);
/// @throws BadMessage, also if a segment has no owner.
Payload load_payload(InArchive& archive);

}  // namespace detail
}  // namespace cohort
