#pragma once

#include <optional>
#include <string>

#include "patience.hpp"

namespace cohort_ssh {

/// Whether there is somebody to ask: standard input is a terminal.
bool has_terminal();

/// Asks at the terminal, which does not show what is typed, wherever standard output goes.
/// @return nullopt: no answer while the patience lasted, or none at all (ctrl-D).
std::optional<std::string> ask_at_terminal(const std::string& question, const Patience& patience);

}  // namespace cohort_ssh
