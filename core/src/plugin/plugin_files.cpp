#include "plugin/plugin_files.hpp"

#include <fmt/ranges.h>

#include <cstdlib>
#include <map>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/module_info.hpp"
#include "base/text.hpp"
#include "plugin/loader.hpp"

namespace cohort::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".so";

std::string prefix_of(PluginKind kind) { return fmt::format("libcohort_{}_", kind_name(kind)); }

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<fs::path> user_directory() {
  fs::path data = environment("XDG_DATA_HOME");
  if (!data.is_absolute()) {  // the XDG rules: a relative one is ignored
    fs::path home = environment("HOME");
    if (!home.is_absolute()) return std::nullopt;
    data = home / ".local" / "share";
  }
  return data / "cohort" / "plugins";
}

/// Beside libcohort.so, in the build tree as in the installed one.
std::optional<fs::path> library_directory() {
  std::error_code error;
  const fs::path library = fs::canonical(module_file(runtime_instance()), error);
  if (error) return std::nullopt;
  return library.parent_path() / COHORT_PLUGIN_DIR_FROM_LIBRARY;
}

std::vector<PluginFile> plugin_files_in(const fs::path& directory) {
  std::vector<PluginFile> files;
  std::error_code error;  // a directory that cannot be read has no plugins
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (auto file = plugin_of_file(at->path())) files.push_back(*file);
  return files;
}

}  // namespace

std::string plugin_file_name(PluginKind kind, const std::string& name) {
  return prefix_of(kind) + name + std::string(suffix);
}

std::optional<PluginFile> plugin_of_file(const fs::path& path) {
  std::string file = path.filename();
  if (!file.ends_with(suffix)) return std::nullopt;
  file.resize(file.size() - suffix.size());
  for (PluginKind kind : {PluginKind::manager, PluginKind::transport}) {
    std::string prefix = prefix_of(kind);
    if (file.starts_with(prefix) && file.size() > prefix.size())
      return PluginFile{kind, file.substr(prefix.size()), path};
  }
  return std::nullopt;
}

std::vector<fs::path> plugin_search_path() {
  std::vector<fs::path> directories;
  std::string listed = environment("COHORT_PLUGIN_PATH");
  for (std::size_t at = 0; at < listed.size();) {
    std::size_t colon = std::min(listed.find(':', at), listed.size());
    if (colon > at) directories.push_back(listed.substr(at, colon - at));
    if (colon > at && !directories.back().is_absolute())
      throw PluginError(
          fmt::format("COHORT_PLUGIN_PATH: '{}' is a relative path, which is another place in each working "
                      "directory; write $PWD/{}",
                      directories.back().string(), directories.back().string()));
    at = colon + 1;
  }
  if (auto user = user_directory()) directories.push_back(*user);
  if (auto library = library_directory()) directories.push_back(*library);
  return directories;
}

std::vector<PluginFile> find_plugin_files() {
  std::map<std::pair<PluginKind, std::string>, PluginFile> found;
  for (const fs::path& directory : plugin_search_path())
    for (PluginFile& file : plugin_files_in(directory)) found.try_emplace({file.kind, file.name}, file);
  std::vector<PluginFile> files;
  for (auto& [key, file] : found) files.push_back(std::move(file));
  return files;
}

fs::path find_plugin_file(PluginKind kind, const std::string& name) {
  std::vector<fs::path> directories = plugin_search_path();
  for (const fs::path& directory : directories) {
    fs::path path = directory / plugin_file_name(kind, name);
    std::error_code error;
    // A dangling link is there, and broken.
    if (fs::exists(fs::symlink_status(path, error))) return path;
  }
  std::vector<std::string> names, places;
  std::string hint;
  for (const PluginFile& file : find_plugin_files()) {
    if (file.kind == kind)
      names.push_back(file.name);
    else if (file.name == name)
      hint = fmt::format("; there is a {} of that name", kind_name(file.kind));
  }
  if (hint.empty()) hint = did_you_mean(name, names);
  for (const fs::path& directory : directories) places.push_back(directory);
  throw PluginError(fmt::format("there is no {} plugin '{}'{} (looked for {} in {}; there are: {})", kind_name(kind),
                                excerpt(name), hint, excerpt(plugin_file_name(kind, name)), fmt::join(places, ", "),
                                names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

}  // namespace cohort::detail
