#pragma once

#include <atomic>
#include <string>

namespace cohort {

enum class LogLevel { error, warn, info, debug };

/// Writes messages about this process to its standard error, one on each line. Any thread may use it.
void set_log_level(LogLevel level);
void log(LogLevel level, const std::string& message);

inline void log_error(const std::string& message) { log(LogLevel::error, message); }
inline void log_warning(const std::string& message) { log(LogLevel::warn, message); }
inline void log_info(const std::string& message) { log(LogLevel::info, message); }

}  // namespace cohort
