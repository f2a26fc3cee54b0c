#include "find_plugins.hpp"

#include <filesystem>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"
#include "plugin/plugin_files.hpp"

namespace cohort::cli {

std::vector<const detail::Plugin*> find_plugins(const std::string& name_or_path) {
  auto& loader = detail::PluginLoader::instance();
  if (name_or_path.find('/') != name_or_path.npos) {
    const auto file = detail::plugin_of_file(name_or_path);
    std::error_code ignored;
    if (!file && std::filesystem::exists(name_or_path, ignored))
      throw PluginError(name_or_path +
                        " is not named like a plugin: libcohort_manager_NAME.so or "
                        "libcohort_transport_NAME.so");
    return {&loader.load(file ? file->kind : PluginKind::manager, name_or_path)};
  }
  std::vector<const detail::Plugin*> found;
  std::vector<std::string> names;
  for (const auto& file : detail::find_plugin_files()) {
    names.push_back(file.name);
    if (file.name == name_or_path) found.push_back(&loader.load(file.kind, file.name));
  }
  if (!found.empty()) return found;
  std::string directories;
  for (const auto& directory : detail::PluginLoader::search_path()) directories += "\n  " + directory.string();
  throw PluginError("there is no plugin '" + excerpt(name_or_path) + "'" + detail::did_you_mean(name_or_path, names) +
                    "\nlooked in:" + directories);
}

std::string find_program_beside(PluginKind kind, const std::string& plugin, const std::string& program) {
  for (const auto& file : detail::find_plugin_files()) {
    if (file.kind != kind || file.name != plugin) continue;
    const auto path = file.path.parent_path() / program;
    if (std::error_code ignored; std::filesystem::exists(path, ignored)) return path;
  }
  throw PluginError("there is no " + program + " beside a plugin '" + plugin + "'; was cohort installed without it?");
}

}  // namespace cohort::cli
