#pragma once

#include <string>
#include <string_view>

namespace cohort::cli {

/// A message as it may go to a terminal, whatever words of files, inputs and other hosts are in it: control characters
/// but tab and line end, and what is no UTF-8, are written as \x1b; a line longer than 2000 bytes and a text longer
/// than 64 KiB are cut, and say so.
std::string printable(std::string_view text);

}  // namespace cohort::cli
