#include "base/module_name.hpp"

#include <dlfcn.h>
#include <link.h>

#include <cstdint>
#include <string_view>

namespace cohort {

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

}  // namespace cohort
