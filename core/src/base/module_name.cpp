#include "base/module_name.hpp"

#include <dlfcn.h>

#include <string_view>

namespace cohort {

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
