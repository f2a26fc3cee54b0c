#include "cluster_flags.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cohort/cluster.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/module.hpp>

#include "cluster_check.hpp"
#include "config/cluster_text.hpp"
#include "config/units.hpp"
#include "exit_code.hpp"
#include "launch_watch.hpp"
#include "plugin/loader.hpp"
#include "plugin/module_file.hpp"

namespace cohort::cli {
namespace {

using Json = nlohmann::ordered_json;

std::pair<std::string, std::string> key_and_value(const std::string& flag, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) throw UsageError(flag + " wants KEY=VALUE, not '" + excerpt(text) + "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// JSON where it is some, else text: 4, true and ["a"] need no quotes around them, and neither does 30s.
Json json_or_text(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

std::span<const Option> options_of(PluginKind kind, const std::string& plugin) {
  return detail::PluginLoader::instance().load(kind, plugin).options();
}

const Option* find_option(const std::string& manager, const std::string& name) {
  for (const Option& option : options_of(PluginKind::manager, manager))
    if (name == option.name) return &option;
  return nullptr;
}

/// Cluster files are UTF-8, and what cannot stand in one must not become something else on its way.
void refuse_if_not_utf8(const std::string& flag, const std::string& text) {
  const std::string as_json = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (Json::parse(as_json) != text)
    throw UsageError(flag + ": '" + text + "' is not UTF-8, as all of a cluster file is");
}

/// "node[01-40],gate" parted at the commas that are not within brackets.
Json plain_list(const std::string& text) {
  Json list = Json::array();
  int depth = 0;
  std::string item;
  for (const char c : text) {
    if (c == '[') depth++;
    if (c == ']') depth--;
    if (c == ',' && depth <= 0)
      list.push_back(std::exchange(item, ""));
    else
      item += c;
  }
  if (!text.empty()) list.push_back(item);
  return list;
}

/// A list is plain words with commas between, or a JSON list of texts.
Json list_value(const Option& option, const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_array()) return value;
  if (text.starts_with("[\""))
    throw UsageError(fmt::format("-o {0}: '{1}' is no JSON list; without quotes and brackets: -o {0}=first,second",
                                 option.name, text));
  return plain_list(text);
}

Json option_value(const Option* option, const std::string& text) {
  if (option == nullptr) return text;  // the check of the whole cluster says that there is none
  switch (option->type) {
    case OptionType::string:
    case OptionType::choice:
    case OptionType::duration:
    case OptionType::size:
      return text;
    case OptionType::strings:
      return list_value(*option, text);
    case OptionType::env: {
      const Json value = json_or_text(text);
      if (value.is_object()) return value;
      throw UsageError(fmt::format(
          "-o {0} wants a JSON object, not '{1}'; in a shell: -o '{0}={{\"NAME\": \"value\"}}'", option->name, text));
    }
    default:
      return json_or_text(text);
  }
}

/// What was said before of the same thing, or of another plugin, goes.
void set(Json& cluster, const Json::json_pointer& path, const Json& value) {
  const Json before = std::exchange(cluster[path], value);
  if (path.empty()) return;
  const auto owner_path = path.parent_pointer();
  Json& owner = cluster[owner_path];
  if (path.back() == "plugin") {
    owner.erase("options");
    if (owner.contains("id") && owner["id"] == before) owner.erase("id");
  } else if (path.back() == "count") {
    if (owner.contains("options")) owner["options"].erase("count");
    if (!owner_path.empty() && owner_path.back() == "options") cluster[owner_path.parent_pointer()].erase("count");
  }
}

/// In a file such keys are for whoever reads it; a flag of that kind would do nothing.
void refuse_comment(const std::string& flag, const std::string& setting, const std::string& key) {
  if (key.starts_with("x-")) throw UsageError(flag + " " + setting + ": keys that begin with x- have no effect");
}

void set_manager_options(Json& cluster, const std::string& json, const std::vector<std::string>& pairs) {
  if (json.empty() && pairs.empty()) return;  // there may be no manager
  const auto options = Json::json_pointer("/managers/0/options");
  const std::string manager = cluster["managers"][0]["plugin"];
  if (!json.empty()) {
    const Json given = Json::parse(json, nullptr, false);
    if (!given.is_object())
      throw UsageError("--options wants a JSON object like '{\"count\": 4}', not '" + excerpt(json) + "'");
    for (const auto& [name, value] : given.items()) set(cluster, options / name, value);
  }
  for (const auto& pair : pairs) {
    const auto [name, text] = key_and_value("-o", pair);
    refuse_comment("-o", pair, name);
    set(cluster, options / name, option_value(find_option(manager, name), text));
  }
}

Json count_of(const std::string& procs) {
  try {
    const auto count = detail::parse_worker_count("-p", procs);
    return count ? Json(*count) : Json("auto");
  } catch (const ConfigError& error) {
    throw UsageError(error.what());
  }
}

std::size_t index_in(const std::string& text) {
  std::size_t index = 0;
  const auto error = std::from_chars(text.data(), text.data() + text.size(), index).ec;
  return error == std::errc::result_out_of_range ? SIZE_MAX : index;
}

/// A list gets one more entry at most, not as many as somebody mistyped.
bool is_beyond_a_list(const Json& cluster, const Json::json_pointer& path) {
  if (path.empty()) return false;
  const auto parent = path.parent_pointer();
  if (!cluster.contains(parent)) return is_beyond_a_list(cluster, parent);
  const Json& list = cluster[parent];
  return list.is_array() && index_in(path.back()) > list.size();
}

void set_path(Json& cluster, const std::string& setting) {
  auto [keys, text] = key_and_value("--set", setting);
  std::replace(keys.begin(), keys.end(), '.', '/');
  const std::string no_place = "--set " + setting + ": there is no such place in the cluster file";
  try {
    const Json::json_pointer path("/" + keys);
    for (auto part = path; !part.empty(); part.pop_back()) refuse_comment("--set", setting, part.back());
    if (is_beyond_a_list(cluster, path)) throw UsageError(no_place);
    set(cluster, path, json_or_text(text));
  } catch (const Json::exception&) {
    throw UsageError(no_place);
  }
}

/// What no file says: local workers, one a CPU.
ClusterFile usual_cluster() {
  return detail::parse_cluster_text(R"({"version": 1, "managers": [{"plugin": "local", "count": "auto"}]})",
                                    "command line", options_of, detail::ErrorList::Places::left_out);
}

/// With its defaults, as ClusterFile::to_json() has it.
Json plugin_use(PluginKind kind, const std::string& plugin) {
  const Options options = Options::defaults(options_of(kind, plugin));
  return {{"plugin", plugin}, {"options", Json::parse(options.to_json())}};
}

/// @param name what the text is called in errors; nobody has seen the text itself.
ClusterFile checked(const std::string& text, const std::string& name) {
  ClusterFile cluster = detail::parse_cluster_text(text, name, options_of, detail::ErrorList::Places::left_out);
  std::string errors;
  for (const auto& objection : objections(cluster))
    errors += (errors.empty() ? "" : "\n") + name + ": " + objection.path() + ": " + objection.message;
  if (!errors.empty()) throw ConfigError(errors);
  return cluster;
}

/// How many it asks for; none: that is known where they start.
std::optional<std::size_t> wanted_workers(const ClusterFile& cluster) {
  std::size_t workers = 0;
  for (const auto& manager : cluster.managers) {
    const auto count = said_count(manager);
    if (!count) return std::nullopt;
    workers += *count;
  }
  return workers;
}

/// Whatever makes addprocs fail, bad configuration aside, is a failed launch.
std::vector<Pid> launch(const ClusterFile& cluster, const InterruptSignal& interrupt_signal, bool quiet) {
  const LaunchWatch watch(interrupt_signal, wanted_workers(cluster), quiet);
  try {
    return addprocs(cluster, {.stop_token = watch.stop_token()});
  } catch (const CancelledException&) {
    throw InterruptedException();
  } catch (const ConfigError&) {
    throw;
  } catch (const PluginError&) {
    throw;
  } catch (const std::exception& error) {
    throw LaunchError(error.what());
  }
}

}  // namespace

std::vector<Flag> ClusterFlags::flags() {
  std::vector<Flag> flags = {
      {"-p,--procs", &procs_, "Workers to start: a number, or auto for one a CPU", "N|auto"},
      {"--min", &min_, "Workers that are enough: all, a number or a percentage; what failed is a warning", "all|N|P%"},
      {"-f,--cluster", &file_, "Cluster file; the other flags change what it says", "FILE.json"},
      {"-m,--manager", &manager_, "Cluster manager plugin, by name or path", "NAME"},
      {"-o,--option", &options_, "An option of the manager; may be repeated", "KEY=VALUE"},
      {"--options", &options_json_, "The manager's options as one JSON object", "JSON"},
      {"-L,--load", &modules_, "Shared object that every process loads; may be repeated", "MODULE.so"},
      {"--topology", &topology_, "Which workers are connected: all_to_all, master_worker, ring, grid:RxC ...", "NAME"},
      {"--lazy", &lazy_, "Connect two workers at their first message"},
      {"--no-lazy", &not_lazy_, "Connect all workers at once"},
      {"--transport", &transport_, "Transport plugin, by name or path", "NAME"},
      {"--set", &settings_, "Changes one value of the cluster file: timeouts.launch=2m", "KEY.PATH=VALUE"},
  };
  for (Flag& flag : flags) flag.group = "Cluster";
  return flags;
}

std::vector<Flag> ClusterFlags::manager_flags() {
  auto all = flags();
  std::erase_if(all, [](const Flag& flag) {
    return flag.names != "-p,--procs" && flag.names != "-m,--manager" && flag.names != "-o,--option" &&
           flag.names != "--options";
  });
  return all;
}

void ClusterFlags::set_usual_procs(const std::string& procs) {
  if (procs_.empty()) procs_ = procs;
}

bool ClusterFlags::empty() const { return file_.empty() && unchanged(); }

void ClusterFlags::set_manager(const std::string& flag, const std::string& name) {
  if (!manager_.empty() && manager_ != name) throw UsageError(flag + " and -m " + manager_ + " exclude each other");
  manager_ = name;
}

bool ClusterFlags::unchanged() const {
  return procs_.empty() && min_.empty() && manager_.empty() && options_.empty() && options_json_.empty() &&
         topology_.empty() && !lazy_ && !not_lazy_ && transport_.empty() && settings_.empty();
}

ClusterFile ClusterFlags::cluster(int slots) const {
  refuse_what_is_not_utf8();
  // A plugin that was named here is an error of its own; in a file it is one of the file.
  auto& loader = detail::PluginLoader::instance();
  if (!manager_.empty()) loader.load(PluginKind::manager, manager_);
  if (!transport_.empty()) loader.load(PluginKind::transport, transport_);

  Json cluster = Json::parse((file_.empty() ? usual_cluster() : ClusterFile::load(file_)).to_json());
  Json& managers = cluster["managers"];
  if (!manager_.empty()) managers = Json::array({plugin_use(PluginKind::manager, manager_)});
  if (!transport_.empty()) cluster["transport"] = plugin_use(PluginKind::transport, transport_);

  if (lazy_ && not_lazy_) throw UsageError("--lazy and --no-lazy exclude each other");
  const bool for_one_manager = !procs_.empty() || !min_.empty() || !options_.empty() || !options_json_.empty();
  if (for_one_manager && managers.size() != 1)
    throw UsageError("-p, --min, -o and --options want one manager; " + detail::file_name(file_) + " has " +
                     std::to_string(managers.size()));
  if (!procs_.empty()) set(cluster, Json::json_pointer("/managers/0/count"), count_of(procs_));
  if (!min_.empty()) managers[0]["min"] = min_;
  set_manager_options(cluster, options_json_, options_);
  for (Json& manager : managers) {
    if (slots == 0) continue;
    if (find_option(manager["plugin"], "threads") != nullptr)
      manager["options"]["threads"] = slots;
    else
      print_message(
          fmt::format("-j {} has no effect on the workers of manager '{}': it has no option 'threads', so each "
                      "of them runs one job at a time",
                      slots, manager.value("id", manager["plugin"].get<std::string>())));
  }
  for (const auto& module : modules_) cluster["modules"].push_back(detail::identify_module(module).path);
  if (!topology_.empty()) cluster["topology"] = topology_;
  if (lazy_ || not_lazy_) cluster["lazy"] = lazy_;
  for (const auto& setting : settings_) set_path(cluster, setting);
  const ClusterFile result = checked(cluster.dump(-1, ' ', false, Json::error_handler_t::replace),
                                     file_.empty() ? "command line"
                                     : unchanged() ? detail::file_name(file_)
                                                   : detail::file_name(file_) + " with the command line's changes");
  const std::string why = detail::why_lazy_has_no_effect(result);
  if ((lazy_ || not_lazy_) && !why.empty()) print_message("--lazy and --no-lazy have no effect: " + why);
  return result;
}

void ClusterFlags::refuse_what_is_not_utf8() const {
  refuse_if_not_utf8("-p", procs_);
  refuse_if_not_utf8("--min", min_);
  refuse_if_not_utf8("-m", manager_);
  for (const auto& option : options_) refuse_if_not_utf8("-o", option);
  refuse_if_not_utf8("--options", options_json_);
  for (const auto& module : modules_) refuse_if_not_utf8("-L", module);
  refuse_if_not_utf8("--topology", topology_);
  refuse_if_not_utf8("--transport", transport_);
  for (const auto& setting : settings_) refuse_if_not_utf8("--set", setting);
}

std::vector<Pid> start_workers(const ClusterFlags& flags, const InterruptSignal& interrupt_signal, int slots,
                               bool quiet) {
  if (flags.empty() && nprocs() > 1) {
    if (slots > 0)
      print_message(
          fmt::format("-j {} has no effect on the workers that are there already: each runs as many jobs at "
                      "once as the option 'threads' of its manager says",
                      slots));
    for (const auto& module : flags.modules()) load_module(module);
    return workers();
  }
  const auto pids = launch(flags.cluster(slots), interrupt_signal, quiet);
  if (pids.empty()) throw LaunchError("the cluster has no workers");
  return pids;
}

}  // namespace cohort::cli
