#include "plugin/module_file.hpp"

#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "plugin/elf_file.hpp"

namespace cohort::detail {

namespace fs = std::filesystem;

void fail_to_load(const fs::path& path, const std::string& problem) {
  throw PluginError("cannot load the module " + excerpt(path.string()) + ": " + problem);
}

Module identify_module(const fs::path& path) {
  std::error_code error;
  Module module{fs::canonical(path, error).string(), ""};
  if (error) {
    std::error_code ignored;
    fail_to_load(
        path, error.message() +
                  (path.is_absolute() ? "" : "; it was looked for in " + excerpt(fs::current_path(ignored).string())));
  }
  try {
    module.build_id = read_elf_build_id(module.path);
  } catch (const PluginError& problem) {
    fail_to_load(path, std::string("it ") + problem.what());
  }
  if (module.build_id.empty()) fail_to_load(path, "it has no build-id; link it with -Wl,--build-id");
  return module;
}

Array<std::byte> read_module(const Module& module) {
  std::error_code error;
  const auto size = fs::file_size(module.path, error);
  if (error) fail_to_load(module.path, "it cannot be read: " + error.message());
  std::vector<std::byte> bytes(size);
  std::ifstream file(module.path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) {
    fail_to_load(module.path, "it cannot be read");
  }
  return Array<std::byte>(std::move(bytes));
}

}  // namespace cohort::detail
