#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace cohort {

/// What the system says of an error, and the limit to look at where one may be the cause.
inline std::string errno_text(int error) {
  std::string text = std::generic_category().message(error);
  if (error == EMFILE) text += " (no more descriptors in this process: see `ulimit -n`)";
  return text;
}

}  // namespace cohort
