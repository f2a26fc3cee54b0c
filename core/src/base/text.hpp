#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cohort {

/// What the system says of an error, and the limit to look at where one may be the cause.
std::string errno_text(int error);

/// The C++ spelling of a type's mangled name (std::type_info::name), for people; std::string is called that.
std::string demangle(const char* mangled);

}  // namespace cohort

namespace cohort::detail {

/// The most similar of the names, or null where none is similar.
const std::string* nearest(std::string_view word, const std::vector<std::string>& names);

/// "; did you mean 'managers'?" with the most similar of the names, or "" where none is similar.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace cohort::detail
