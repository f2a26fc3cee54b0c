#pragma once

#include <filesystem>
#include <string>

namespace cohort::batch {

/// What a job has printed, of a long text the end. Empty: nothing, or its file is not seen from here.
std::string printed_by(const std::filesystem::path& output);

/// The last lines that a job printed, for people. Empty: it printed nothing, or its file is not seen from here.
std::string last_lines(const std::filesystem::path& output);

}  // namespace cohort::batch
