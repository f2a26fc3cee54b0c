#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort {

/// Returns the system's text of an error and, if a limit may be the cause, the name of that limit.
std::string errno_text(int error);

/// Returns the readable form of a type's mangled name (std::type_info::name); std::string is written as "std::string".
std::string demangle(const char* mangled);

}  // namespace cohort

namespace cohort::detail {

/// The most similar of the names, or null where none is similar.
const std::string* nearest(std::string_view word, const std::vector<std::string>& names);

/// "; did you mean 'managers'?" with the most similar of the names, or "" where none is similar.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace cohort::detail
