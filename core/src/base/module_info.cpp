#include "base/module_info.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <cohort/version.hpp>

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
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : build_id) {
    text += digits[std::to_integer<unsigned>(byte >> 4)];
    text += digits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

// dladdr() would look for the symbol too, among all that the module has.
std::string module_file(const void* address) {
  struct Search {
    std::uintptr_t address;
    std::string file;
  } search{reinterpret_cast<std::uintptr_t>(address), {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || wanted.address - info->dlpi_addr - header.p_vaddr >= header.p_memsz) continue;
          wanted.file = info->dlpi_name;
          return 1;
        }
        return 0;
      },
      &search);
  return search.file;
}

std::string module_name(const void* address) {
  Dl_info module{};
  if (dladdr(address, &module) == 0 || module.dli_fname == nullptr) return "an unknown module";
  std::string_view file = module.dli_fname;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
  constexpr std::string_view prefix = "libcohort_", suffix = ".so";
  if (!file.starts_with(prefix) || !file.ends_with(suffix)) return std::string(file);
  const std::string_view plugin = file.substr(prefix.size(), file.size() - prefix.size() - suffix.size());
  const auto end_of_kind = plugin.find('_');
  if (end_of_kind == plugin.npos) return std::string(file);
  return std::string(plugin.substr(0, end_of_kind)) + " '" + std::string(plugin.substr(end_of_kind + 1)) + "'";
}

const char* version() { return COHORT_VERSION; }

}  // namespace cohort
