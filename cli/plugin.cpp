// cohort plugin: the cluster managers and transports that are there. `test` and `new` have files of their own.

#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "config/option_schema.hpp"
#include "exit_code.hpp"
#include "find_plugins.hpp"
#include "output.hpp"
#include "plugin/loader.hpp"

namespace cohort::cli {
namespace {

using Json = nlohmann::ordered_json;
using detail::Plugin;
using detail::PluginInfo;
using detail::PluginLoader;

int list(bool as_json) {
  const std::vector<PluginInfo> plugins = PluginLoader::instance().list();
  if (as_json) {
    Json entries = Json::array();
    for (const auto& plugin : plugins) {
      Json entry = {{"kind", detail::kind_name(plugin.kind)}, {"name", plugin.name}, {"path", plugin.path.string()}};
      if (plugin.error.empty())
        entry["version"] = plugin.version;
      else
        entry["error"] = plugin.error;
      entries.push_back(std::move(entry));
    }
    write_json(Json{{"schema_version", 1}, {"plugins", entries}});
    return ok;
  }
  std::size_t name_width = 4;
  for (const auto& plugin : plugins) name_width = std::max(name_width, plugin.name.size());
  std::string table;
  const auto row = [&](std::string_view kind, std::string_view name, std::string_view version, std::string_view path) {
    table += fmt::format("{:<9}  {:<{}}  {:<8}  {}\n", kind, name, name_width, version, path);
  };
  row("KIND", "NAME", "VERSION", "PATH");
  for (const auto& plugin : plugins) {
    row(detail::kind_name(plugin.kind), plugin.name, plugin.error.empty() ? plugin.version : "refused",
        plugin.path.string());
    if (!plugin.error.empty()) table += "           " + plugin.error + '\n';
  }
  write_results(table);
  return ok;
}

std::string abi_of(const Plugin& plugin) {
  return fmt::format("{}.{}", plugin.descriptor->abi_major, plugin.descriptor->abi_minor);
}

Json json_of(const Plugin& plugin) {
  const PluginDescriptor& descriptor = *plugin.descriptor;
  return {{"kind", detail::kind_name(descriptor.kind)},
          {"name", descriptor.name},
          {"version", descriptor.version},
          {"path", plugin.path.string()},
          {"abi", abi_of(plugin)},
          {"build_tag", descriptor.build_tag},
          {"options", Json::parse(detail::option_schema(plugin.options()))}};
}

std::string text_of(const Plugin& plugin) {
  const PluginDescriptor& descriptor = *plugin.descriptor;
  std::string text = fmt::format("{} '{}'\n  version    {}\n  path       {}\n  ABI        {}\n  build tag  {}\n",
                                 detail::kind_name(descriptor.kind), descriptor.name, descriptor.version,
                                 plugin.path.string(), abi_of(plugin), descriptor.build_tag);
  return text +
         (plugin.options().empty() ? "\nIt has no options.\n" : "\nOptions\n" + detail::option_help(plugin.options()));
}

int info(const std::string& name_or_path, bool as_json) {
  const auto plugins = find_plugins(name_or_path);
  if (as_json) {
    Json entries = Json::array();
    for (const Plugin* plugin : plugins) entries.push_back(json_of(*plugin));
    write_json(Json{{"schema_version", 1}, {"plugins", entries}});
    return ok;
  }
  std::string text;
  for (const Plugin* plugin : plugins) {
    if (!text.empty()) text += '\n';
    text += text_of(*plugin);
  }
  write_results(text);
  return ok;
}

}  // namespace

Command plugin_command() {
  struct Flags {
    std::string name;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  return {.name = "plugin",
          .help = "Show, test and begin cluster manager and transport plugins",
          .commands = {
              {.name = "list",
               .help = "List the plugins that are found, and those refused",
               .flags = {{"--json", &flags->json, "Print JSON"}},
               .action = [flags](const auto&) { return list(flags->json); }},
              {.name = "info",
               .help = "Show one plugin and its options",
               .flags = {{"plugin", &flags->name, "Name, or path of the file", "NAME|PATH", true},
                         {"--json", &flags->json, "Print JSON, the options as a JSON Schema"}},
               .action = [flags](const auto&) { return info(flags->name, flags->json); }},
              plugin_test_command(),
              plugin_new_command(),
          }};
}

}  // namespace cohort::cli
