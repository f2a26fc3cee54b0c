#pragma once

#include <string>

namespace cohort {

/// What a file of /proc or /sys says; "": it cannot be read. Not by the streams of the C++ library: the first one in a
/// process makes its locale, which takes longer than many such files, and each worker begins with some.
std::string read_system_file(const std::string& path);

}  // namespace cohort
