#pragma once

#include <string>

namespace cohort {

/// The C++ spelling of a type's mangled name (std::type_info::name), for people; std::string is called that.
std::string demangle(const char* mangled);

}  // namespace cohort
