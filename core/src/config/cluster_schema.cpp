#include "config/cluster_tables.hpp"
#include "config/cluster_text.hpp"
#include "config/min_workers.hpp"
#include "config/option_schema.hpp"
#include "membership/topology.hpp"

namespace cohort::detail {
namespace {

/// A name of a known plugin, or a path, which no schema can look behind.
Json plugin_name_schema(PluginKind kind, std::span<const KnownPlugin> plugins) {
  Json names = Json::array();
  for (const KnownPlugin& plugin : plugins)
    if (plugin.kind == kind) names.push_back(plugin.name);
  Json path = {{"type", "string"}, {"pattern", "/"}};
  return {{"anyOf", Json::array({Json{{"enum", names}}, path})}};
}

/// What names of workers look like. @param many whether * and ? may be among them.
std::string ident_pattern(bool many) {
  const std::string range = "[0-9]{1,9}(-[0-9]{1,9})?";
  return std::string("^([^\\]\\[,") + (many ? "" : "*?") + "]|\\[" + range + "(," + range + ")*\\])+$";
}

/// What a manager's `count` may be: its plugin's option of that name, and not both at once.
void restrict_count(Json& then, const Json& options) {
  const Json& properties = options["properties"];
  then["properties"]["count"] = properties.contains("count") ? properties["count"] : Json(false);
  then["not"] = {{"required", Json::array({"count", "options"})},
                 {"properties", {{"options", {{"required", Json::array({"count"})}}}}}};
}

/// The keys of one use of a plugin, whose options depend on its name.
Json plugin_use_schema(PluginKind kind, const ObjectKeys& keys, std::span<const KnownPlugin> plugins) {
  Json any_options = {{"type", "object"}};
  Json schema = object_schema(keys, {{"options", any_options}});
  if (kind == PluginKind::manager) {
    schema["properties"]["min"]["pattern"] = MinWorkers::pattern();
    schema["properties"]["ident"]["pattern"] = ident_pattern(false);
    schema["properties"]["connect_idents"]["items"]["pattern"] = ident_pattern(true);
  }
  Json& plugin_key = schema["properties"]["plugin"];
  plugin_key.erase("type");
  plugin_key.update(plugin_name_schema(kind, plugins));
  Json cases = Json::array();
  for (const KnownPlugin& plugin : plugins) {
    if (plugin.kind != kind) continue;
    Json named = {{"properties", {{"plugin", {{"const", plugin.name}}}}}, {"required", Json::array({"plugin"})}};
    Json options = object_schema({plugin.options});
    Json then = {{"properties", {{"options", options}}}};
    if (kind == PluginKind::manager) restrict_count(then, options);
    cases.push_back({{"if", named}, {"then", then}});
  }
  if (!cases.empty()) schema["allOf"] = cases;
  return schema;
}

}  // namespace

std::string cluster_schema(std::span<const KnownPlugin> plugins) {
  Json managers = {{"type", "array"}, {"items", plugin_use_schema(PluginKind::manager, manager_keys, plugins)}};
  Json transport_name = plugin_name_schema(PluginKind::transport, plugins);
  Json transport_object = plugin_use_schema(PluginKind::transport, transport_keys, plugins);
  Json transport = {{"anyOf", Json::array({transport_name, transport_object})}, {"default", "tcp"}};
  Json sections = {{"managers", managers},
                   {"transport", transport},
                   {"timeouts", object_schema({timeout_options})},
                   {"logging", object_schema({logging_options})}};
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "cohort cluster file, version 1"}};
  schema.update(object_schema(cluster_keys, sections));
  schema["properties"]["topology"]["pattern"] = topology_pattern();
  return schema.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cohort::detail
