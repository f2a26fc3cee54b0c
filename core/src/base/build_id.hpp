#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cohort {

/// The GNU build-id among the notes of an ELF file, a PT_NOTE segment's bytes; empty if there is none.
std::span<const std::byte> find_build_id(std::span<const std::byte> notes);

/// In hexadecimal, as `file` and `readelf` show it.
std::string build_id_text(std::span<const std::byte> build_id);

}  // namespace cohort
