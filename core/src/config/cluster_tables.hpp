#pragma once

#include <cohort/cluster_file.hpp>
#include <cohort/options.hpp>

#include "config/option_table.hpp"

namespace cohort::detail {

// Everything that a cluster file may say, declared once. The file's own keys:

inline constexpr Option cluster_options[] = {
    {"$schema", OptionType::string, nullptr, "Where editors find the schema; ignored", nullptr},
    {"version", OptionType::integer, nullptr, "Version of the format", nullptr, 1, 1},
    {"name", OptionType::string, "\"\"", "What the cluster is called in messages", nullptr},
    {"topology", OptionType::string, "\"all_to_all\"", "Which workers are connected to each other", nullptr},
    {"lazy", OptionType::boolean, nullptr, "Connect two workers at their first message, not at launch", nullptr},
    {"unconnected", OptionType::choice, "\"error\"", "What becomes of a message to a worker that is not connected",
     "error|relay"},
    {"modules", OptionType::strings, "[]", "Shared objects that every process loads, in this order", nullptr},
};
inline constexpr KeySection cluster_sections[] = {
    {"managers", "Where workers come from, in the order of their launch"},
    {"transport", "What carries the bytes: a plugin's name, or an object with its options"},
    {"timeouts", "How long the steps of the cluster's life may take"},
    {"logging", "What is printed of the workers and of the cluster itself"},
};
inline constexpr const char* cluster_required[] = {"version", "managers"};
inline constexpr ObjectKeys cluster_keys = {cluster_options, cluster_sections, cluster_required};

inline constexpr Option manager_options[] = {
    {"plugin", OptionType::string, nullptr, "Name of the cluster manager plugin, or its path", nullptr},
    {"id", OptionType::string, nullptr, "What it is called in messages, if not by the plugin's name", nullptr},
    {"count", OptionType::count, nullptr, "Workers to launch; auto: one a CPU; else the plugin's choice", nullptr, 0,
     INT32_MAX},
    {"min", OptionType::string, nullptr, "Workers that are enough: all, a number or a percentage, 50%", nullptr},
    {"ident", OptionType::string, nullptr, "Names of the workers for topology custom: node[01-16]", nullptr},
    {"connect_idents", OptionType::strings, nullptr, "Names of those that they connect to: node[01-04], node*",
     nullptr},
};
inline constexpr Option transport_options[] = {
    {"plugin", OptionType::string, nullptr, "Name of the transport plugin, or its path", nullptr},
};
inline constexpr KeySection plugin_sections[] = {{"options", "The plugin's own options"}};
inline constexpr const char* plugin_required[] = {"plugin"};
inline constexpr ObjectKeys manager_keys = {manager_options, plugin_sections, plugin_required};
inline constexpr ObjectKeys transport_keys = {transport_options, plugin_sections, plugin_required};

inline constexpr Option timeout_options[] = {
    {"launch", OptionType::duration, "\"5m\"", "A manager's launch as a whole", nullptr, 1},
    {"connect", OptionType::duration, "\"30s\"", "Dialling a worker that said where it listens", nullptr, 1},
    {"handshake", OptionType::duration, "\"10s\"", "From the open connection to the authenticated peer", nullptr, 1},
    {"heartbeat", OptionType::duration, "\"5s\"", "Silence after which a peer is asked whether it lives", nullptr, 1},
    {"suspect", OptionType::duration, "\"15s\"", "Silence after which a peer is reported as suspect", nullptr, 1},
    {"dead", OptionType::duration, "\"60s\"", "Silence after which a peer is given up", nullptr, 1},
    {"shutdown", OptionType::duration, "\"5s\"", "From asking a worker to exit to SIGTERM", nullptr, 0},
    {"term", OptionType::duration, "\"5s\"", "From SIGTERM to SIGKILL", nullptr, 0},
    {"kill", OptionType::duration, "\"5s\"", "From SIGKILL to giving the worker up", nullptr, 0},
};

/// Where each row of timeout_options goes.
inline constexpr Duration Timeouts::*timeout_fields[] = {
    &Timeouts::launch, &Timeouts::connect,  &Timeouts::handshake, &Timeouts::heartbeat, &Timeouts::suspect,
    &Timeouts::dead,   &Timeouts::shutdown, &Timeouts::term,      &Timeouts::kill,
};
static_assert(std::size(timeout_fields) == std::size(timeout_options));

inline constexpr Option logging_options[] = {
    {"level", OptionType::choice, "\"info\"", "Least important message that is printed", "error|warn|info|debug"},
    {"forward", OptionType::choice, "\"all\"", "Which output of workers the master prints", "all|stderr|none"},
    {"prefix", OptionType::choice, "\"short\"", "Whether a worker's lines start with its id", "short|none"},
};

}  // namespace cohort::detail
