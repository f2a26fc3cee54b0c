#pragma once

#include <string>

#include <cohort/logging.hpp>

namespace cohort {

/// Writes messages about this process to its standard error, one on each line. Any thread may use it.
void set_log_level(LogLevel level);
void log(LogLevel level, const std::string& message);
/// Has messages dropped, or cut off, that standard error cannot take at once.
void set_log_never_waits(bool never_waits);

inline void log_error(const std::string& message) { log(LogLevel::error, message); }
inline void log_warning(const std::string& message) { log(LogLevel::warn, message); }
inline void log_info(const std::string& message) { log(LogLevel::info, message); }

}  // namespace cohort
