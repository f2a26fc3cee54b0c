#pragma once

#include "command.hpp"

namespace cohort::cli {

/// cohort plugin new
void add_plugin_new(CLI::App& plugin, Action& action);

}  // namespace cohort::cli
