#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/options.hpp>

namespace cohort::batch {

// Options of jobs whose values are more than any texts. All throw ConfigError, which names the option and says what to
// try. nullopt: the option has no value.

/// A text that is not empty, in one line.
std::optional<std::string> text_option(const cohort::Options& options, const std::string& name);

/// The name of a queue, an account or the like, which is a word of the scheduler's languages as it is: of its command
/// line, and of the lines of a job script that are for the scheduler.
std::optional<std::string> name_option(const cohort::Options& options, const std::string& name);

/// Words of a command, none of which is empty.
std::vector<std::string> words_option(const cohort::Options& options, const std::string& name);

/// A path in one line, without ~ and dots.
std::optional<std::filesystem::path> path_option(const cohort::Options& options, const std::string& name);

/// @throws ConfigError if nothing can be written in this directory.
void refuse_unusable_directory(const std::string& option, const std::filesystem::path& directory);

/// The text of a file, which is not empty.
std::string read_small_file(const std::string& option, const std::filesystem::path& file);

}  // namespace cohort::batch
