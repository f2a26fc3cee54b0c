#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::batch {

/// A word of sh that stands for this text, whatever is in it.
std::string shell_word(std::string_view text);
/// Words of sh, with blanks between them.
std::string shell_words(const std::vector<std::string>& words);
/// Lines of sh that change the environment. @throws ConfigError for what is no name of a variable.
std::string shell_environment(const std::map<std::string, std::optional<std::string>>& environment);

/// The values of a template, by name. nullopt: it is not set.
using TemplateValues = std::map<std::string, std::optional<std::string>, std::less<>>;

/// Makes a job script from a template, in which {name} stands for a value; {{ is a brace. A line with a value that is
/// not set is left out, so that a template can have a line for each option.
/// @param where the template's name in errors, which the number of the line follows.
/// @throws ConfigError if there is no such name, or a value that would break a line "#SBATCH --partition={partition}":
/// it has a line end there.
std::string fill_in(std::string_view text, const TemplateValues& values, const std::string& where = "job script");

}  // namespace cohort::batch
