#pragma once

#include "command.hpp"

namespace cohort::cli {

/// cohort plugin test
void add_plugin_test(CLI::App& plugin, Action& action);

}  // namespace cohort::cli
