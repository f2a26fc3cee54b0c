#include "base/build_id.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstring>

namespace cohort {

std::span<const std::byte> find_build_id(std::span<const std::byte> notes) {
  constexpr auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
  ElfW(Nhdr) header;
  while (notes.size() >= sizeof header) {
    std::memcpy(&header, notes.data(), sizeof header);
    notes = notes.subspan(sizeof header);
    const std::size_t name_size = padded(header.n_namesz), size = header.n_descsz;
    if (name_size > notes.size() || size > notes.size() - name_size) break;
    const auto description = notes.subspan(name_size, size);
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && std::memcmp(notes.data(), "GNU", 4) == 0) {
      return description;
    }
    notes = notes.subspan(std::min(name_size + padded(size), notes.size()));
  }
  return {};
}

std::string build_id_text(std::span<const std::byte> build_id) {
  std::string text;
  for (const std::byte byte : build_id) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

}  // namespace cohort
