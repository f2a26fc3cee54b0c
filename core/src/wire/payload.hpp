#pragma once

#include <cohort/archive.hpp>

namespace cohort {

/// Writes an encoded value as a part of another message. Its segments are not copied; each must have an owner.
void save_payload(OutArchive& archive, const Payload& payload);
/// @throws BadMessage.
Payload load_payload(InArchive& archive);

}  // namespace cohort
