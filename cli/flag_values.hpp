#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::cli {

// What the words after flags mean. All throw UsageError that says what would have been right:
// "--retries wants a whole number from 0 to 9, not 'x'".

int whole_number(const std::string& flag, const std::string& text, int minimum, int maximum);
Duration duration(const std::string& flag, const std::string& text);
/// @return the index of the name that `text` is.
std::size_t choice(const std::string& flag, const std::string& text, const std::vector<std::string>& names);

}  // namespace cohort::cli
