#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort::detail {

/// The most similar of the names, or null where none is similar.
const std::string* nearest(std::string_view word, const std::vector<std::string>& names);

/// "; did you mean 'managers'?" with the most similar of the names, or "" where none is similar.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace cohort::detail
