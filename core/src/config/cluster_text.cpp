#include "config/cluster_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "config/cluster_tables.hpp"
#include "config/min_workers.hpp"
#include "config/units.hpp"
#include "membership/ident_pattern.hpp"
#include "membership/topology.hpp"

namespace cohort {

// The texts are those of the option tables, which are checked first.
NLOHMANN_JSON_SERIALIZE_ENUM(Unconnected, {{Unconnected::error, "error"}, {Unconnected::relay, "relay"}})
NLOHMANN_JSON_SERIALIZE_ENUM(LogLevel, {{LogLevel::error, "error"},
                                        {LogLevel::warn, "warn"},
                                        {LogLevel::info, "info"},
                                        {LogLevel::debug, "debug"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ForwardMode, {{ForwardMode::all, "all"},
                                           {ForwardMode::only_stderr, "stderr"},
                                           {ForwardMode::none, "none"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ForwardPrefix, {{ForwardPrefix::brief, "short"}, {ForwardPrefix::none, "none"}})

}  // namespace cohort

namespace cohort::detail {
namespace {

class ClusterParser {
 public:
  ClusterParser(ErrorList& errors, const OptionTableLookup& tables) : errors_(errors), tables_(tables) {}

  ClusterFile parse(const JsonNode& root) {
    Json values = check_object(cluster_keys, root, "", errors_);
    if (!root.is_object()) return {};
    ClusterFile file;
    file.name = values.value("name", file.name);
    file.topology = values.value("topology", file.topology);
    if (values.contains("lazy")) file.lazy = values["lazy"].get<bool>();
    file.modules = values.value("modules", file.modules);
    file.unconnected = values.value("unconnected", file.unconnected);
    if (const JsonNode* managers = root.find("managers")) file.managers = parse_managers(*managers);
    if (const JsonNode* topology = root.find("topology")) check_topology(*topology, root, file);
    file.transport = parse_transport(root.find("transport"), root);
    if (const JsonNode* timeouts = root.find("timeouts")) file.timeouts = parse_timeouts(*timeouts);
    if (const JsonNode* logging = root.find("logging")) file.logging = parse_logging(*logging);
    return file;
  }

 private:
  std::vector<ManagerSpec> parse_managers(const JsonNode& node) {
    std::vector<ManagerSpec> managers;
    if (!node.is_array())
      errors_.add(node.offset, "managers", "expected a list of managers, found " + node.description());
    for (std::size_t i = 0; i < node.items.size(); ++i)
      managers.push_back(parse_manager(node.items[i], fmt::format("managers[{}]", i)));
    return managers;
  }

  ManagerSpec parse_manager(const JsonNode& node, const std::string& path) {
    Json values = check_object(manager_keys, node, path, errors_);
    ManagerSpec manager;
    const JsonNode* plugin = node.find("plugin");
    const JsonNode* options = node.find("options");
    if (plugin && plugin->is_string()) {
      manager.plugin = plugin->scalar;
      auto table = find_table({PluginKind::manager, manager.plugin, plugin->offset, path + ".plugin"});
      Json checked = check_options(table, options, path + ".options");
      // A count that no manager could have is reported already.
      if (const JsonNode* count = node.find("count"); count && table && values.contains("count")) {
        check_count(*count, manager.plugin, *table, options, path);
        checked.erase("count");
      }
      manager.options_json = checked.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    manager.id = values.value("id", manager.plugin);
    if (auto count = values.find("count"); count != values.end()) {
      manager.count_auto = count->is_string();
      if (!manager.count_auto) manager.count = count->get<int>();
    }
    if (const JsonNode* min = node.find("min"); min && values.contains("min")) {
      manager.min = min->scalar;
      check(*min, path + ".min", [&] { static_cast<void>(MinWorkers(*manager.min)); });
    }
    parse_idents(node, values, path, manager);
    return manager;
  }

  void parse_idents(const JsonNode& node, const Json& values, const std::string& path, ManagerSpec& manager) {
    if (const JsonNode* ident = node.find("ident"); ident && values.contains("ident")) {
      manager.ident = ident->scalar;
      check(*ident, path + ".ident", [&] {
        const auto names = IdentPattern(manager.ident).names();
        if (names.size() > 1 && manager.count && static_cast<std::size_t>(*manager.count) > names.size())
          throw ConfigError(fmt::format("there are {} idents for {} workers", names.size(), *manager.count));
      });
    }
    if (const JsonNode* patterns = node.find("connect_idents"); patterns && values.contains("connect_idents")) {
      for (std::size_t i = 0; i < patterns->items.size(); i++) {
        const JsonNode& pattern = patterns->items[i];
        if (!pattern.is_string()) continue;  // reported already
        manager.connect_idents.push_back(pattern.scalar);
        check(pattern, fmt::format("{}.connect_idents[{}]", path, i),
              [&] { static_cast<void>(IdentPattern(manager.connect_idents.back())); });
      }
    }
  }

  void check_topology(const JsonNode& node, const JsonNode& root, const ClusterFile& file) {
    if (!node.is_string()) return;
    check(node, "topology", [&] {
      if (Topology::parse(file.topology).kind() == Topology::Kind::custom) check_all_named(root, file);
    });
  }

  /// Where every manager has idents here, all names are known. Else a manager may give some to its workers.
  void check_all_named(const JsonNode& root, const ClusterFile& file) {
    if (!errors_.empty()) return;
    std::vector<std::string> idents;
    for (const auto& manager : file.managers) {
      if (manager.ident.empty()) return;
      auto names = IdentPattern(manager.ident).names();
      if (manager.count) names.resize(std::min(names.size(), static_cast<std::size_t>(*manager.count)));
      idents.insert(idents.end(), names.begin(), names.end());
    }
    for (std::size_t i = 0; i < file.managers.size(); i++) {
      for (const auto& text : file.managers[i].connect_idents) {
        const IdentPattern pattern(text);
        if (std::any_of(idents.begin(), idents.end(), [&](const auto& ident) { return pattern.matches(ident); }))
          continue;
        errors_.add(root.find("managers")->items[i].find("connect_idents")->offset,
                    fmt::format("managers[{}].connect_idents", i),
                    fmt::format("'{}' matches no worker's ident", excerpt(text)));
      }
    }
  }

  /// @param body throws ConfigError for what is wrong with `node`.
  template <class F>
  void check(const JsonNode& node, const std::string& path, F&& body) {
    try {
      body();
    } catch (const ConfigError& error) {
      errors_.add(node.offset, path, error.what());
    }
  }

  /// A manager's count is the option of that name of its plugin, so it must fit that option's row, too.
  void check_count(const JsonNode& count, const std::string& plugin, std::span<const Option> table,
                   const JsonNode* options, const std::string& path) {
    auto row = std::find_if(table.begin(), table.end(),
                            [](const Option& option) { return std::string_view(option.name) == "count"; });
    if (row == table.end())
      errors_.add(count.offset, path + ".count", "the plugin '" + excerpt(plugin) + "' takes no count");
    else
      check_value(*row, count, path + ".count", errors_);
    if (const JsonNode* again = options ? options->find("count") : nullptr)
      errors_.add_repeated(again->offset, path + ".options.count: is given twice", count.offset);
  }

  /// @param given null: the default transport, whose options are defaults as well.
  TransportSpec parse_transport(const JsonNode* given, const JsonNode& root) {
    TransportSpec transport;
    if (given && given->is_object()) {
      check_object(transport_keys, *given, "transport", errors_);
      const JsonNode* plugin = given->find("plugin");
      if (!plugin || !plugin->is_string()) return transport;
      transport.plugin = plugin->scalar;
      auto table = find_table({PluginKind::transport, transport.plugin, plugin->offset, "transport.plugin"});
      transport.options_json = check_options(table, given->find("options"), "transport.options")
                                   .dump(-1, ' ', false, Json::error_handler_t::replace);
    } else if (!given || given->is_string()) {
      if (given) transport.plugin = given->scalar;
      std::size_t offset = given ? given->offset : root.offset;
      auto table = find_table({PluginKind::transport, transport.plugin, offset, "transport"});
      transport.options_json = check_options(table, nullptr, "").dump(-1, ' ', false, Json::error_handler_t::replace);
    } else {
      errors_.add(given->offset, "transport",
                  "expected a transport's name or an object with its options, found " + given->description());
    }
    return transport;
  }

  struct PluginUse {
    PluginKind kind;
    std::string name;
    std::size_t offset;
    std::string path;  // of the key that names it
  };

  using Table = std::optional<std::span<const Option>>;

  Table find_table(const PluginUse& use) {
    try {
      return tables_(use.kind, use.name);
    } catch (const PluginError& error) {
      errors_.add(use.offset, use.path, error.what());
      return std::nullopt;
    }
  }

  /// @param given null: all defaults.
  Json check_options(const Table& table, const JsonNode* given, const std::string& path) {
    JsonNode nothing;
    nothing.type = Json::value_t::object;
    if (!table) return Json::object();
    return check_object({*table}, given ? *given : nothing, path, errors_);
  }

  Timeouts parse_timeouts(const JsonNode& node) {
    Json values = check_object({timeout_options}, node, "timeouts", errors_);
    Timeouts timeouts;
    for (std::size_t i = 0; i < std::size(timeout_options); ++i)
      if (auto value = values.find(timeout_options[i].name); value != values.end())
        timeouts.*timeout_fields[i] = parse_duration(value->get<std::string>());
    return timeouts;
  }

  Logging parse_logging(const JsonNode& node) {
    Json values = check_object({logging_options}, node, "logging", errors_);
    Logging logging;
    logging.level = values.value("level", logging.level);
    logging.forward = values.value("forward", logging.forward);
    logging.prefix = values.value("prefix", logging.prefix);
    return logging;
  }

  ErrorList& errors_;
  const OptionTableLookup& tables_;
};

Json manager_json(const ManagerSpec& manager) {
  Json json = {{"plugin", manager.plugin}, {"id", manager.id}};
  if (manager.count_auto) json["count"] = "auto";
  if (manager.count) json["count"] = *manager.count;
  if (manager.min) json["min"] = *manager.min;
  if (!manager.ident.empty()) json["ident"] = manager.ident;
  if (!manager.connect_idents.empty()) json["connect_idents"] = manager.connect_idents;
  json["options"] = Json::parse(manager.options_json);
  return json;
}

}  // namespace

ClusterFile parse_cluster_text(std::string_view text, const std::string& name_for_errors,
                               const OptionTableLookup& tables, ErrorList::Places places) {
  ErrorList errors(text, name_for_errors, places);
  JsonNode root = parse_json(text, errors);
  ClusterFile file = ClusterParser(errors, tables).parse(root);
  errors.throw_if_any();
  return file;
}

std::string file_name(const std::filesystem::path& path) { return excerpt(path.string(), PATH_MAX); }

void find_modules_beside(const std::filesystem::path& path, ClusterFile& file) {
  const auto directory = std::filesystem::absolute(path).parent_path();
  for (std::string& module : file.modules) module = (directory / module).string();  // absolute ones stay as they are
}

void check_timeouts(const Timeouts& timeouts) {
  for (std::size_t i = 0; i < std::size(timeout_options); ++i)
    refuse_shorter(timeouts.*timeout_fields[i], Duration(timeout_options[i].minimum),
                   std::string("timeouts.") + timeout_options[i].name);
}

std::string why_lazy_has_no_effect(const ClusterFile& file) {
  const auto kind = Topology::parse(file.topology).kind();
  if (!file.lazy || kind == Topology::Kind::all_to_all) return "";
  return "in the topology " + file.topology +
         (kind == Topology::Kind::master_worker ? " no two workers are connected"
                                                : " workers always connect as they join; lazy is for all_to_all");
}

std::string read_config_file(const std::filesystem::path& path) {
  auto fail = [&](int error) -> ConfigError {
    return ConfigError(file_name(path) + ": cannot be read: " + std::generic_category().message(error) +
                       (path == "-" ? "; for standard input write /dev/stdin" : ""));
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) throw fail(errno);
  std::string text;
  char buffer[65536];
  while (text.size() <= max_json_bytes) {
    std::size_t length = std::fread(buffer, 1, sizeof buffer, file.get());
    if (std::ferror(file.get())) throw fail(errno);
    if (length == 0) break;
    text.append(buffer, length);
  }
  return text;
}

}  // namespace cohort::detail

namespace cohort {

std::string ClusterFile::to_json() const {
  detail::Json timeout_values = detail::Json::object();
  for (std::size_t i = 0; i < std::size(detail::timeout_options); ++i)
    timeout_values[detail::timeout_options[i].name] = detail::format_duration(timeouts.*detail::timeout_fields[i]);
  detail::Json json = {{"version", 1}, {"name", name}, {"managers", detail::Json::array()}, {"topology", topology}};
  for (const ManagerSpec& manager : managers) json["managers"].push_back(detail::manager_json(manager));
  if (lazy) json["lazy"] = *lazy;
  json["unconnected"] = unconnected;
  json["modules"] = modules;
  json["transport"] = {{"plugin", transport.plugin}, {"options", detail::Json::parse(transport.options_json)}};
  json["timeouts"] = timeout_values;
  json["logging"] = {{"level", logging.level}, {"forward", logging.forward}, {"prefix", logging.prefix}};
  return json.dump(2, ' ', false, detail::Json::error_handler_t::replace);
}

}  // namespace cohort
