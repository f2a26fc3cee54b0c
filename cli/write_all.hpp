#pragma once

#include <string_view>

namespace cohort::cli {

/// Writes the whole text, waiting where the descriptor is full. @return false: it cannot be written, errno says why.
bool write_all(int descriptor, std::string_view text);

/// Whether nobody can read any more what is written there.
bool reader_is_gone(int descriptor);

}  // namespace cohort::cli
