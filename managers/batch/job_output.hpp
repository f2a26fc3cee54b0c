#pragma once

#include <filesystem>
#include <string>

namespace cohort::batch {

/// What a job has printed, of a long text the end. Empty: nothing, or its file is not seen from here.
std::string printed_by(const std::filesystem::path& output);

/// The last lines that a job printed, as the end of a message: ". It printed:" and they. Empty: it printed nothing, or
/// its file is not seen from here.
std::string what_it_printed(const std::filesystem::path& output);

}  // namespace cohort::batch
