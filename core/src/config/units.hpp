#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <cohort/types.hpp>

namespace cohort::detail {

// The texts that these functions accept are exactly those that the patterns match.

/// "250ms", "1h30m", "1.5s", "never". @throws ConfigError that says what is wrong with the text.
Duration parse_duration(std::string_view text);
/// Returns the shortest text that parse_duration() reads as `duration`; one that it cannot read, beyond 188 years, is
/// cut.
std::string format_duration(Duration duration);
/// As a regular expression for the JSON Schema. @param or_zero false: of those longer than 0.
std::string duration_pattern(bool or_zero = true);

/// Parses the number of workers of a flag: "8"; nothing for "auto". @throws ConfigError "-p wants a number of workers
/// ...".
std::optional<int> parse_worker_count(const std::string& flag, std::string_view text);

/// "64MiB", "1GB", "1.5kB": bytes. @throws ConfigError that says what is wrong with the text.
std::uint64_t parse_size(std::string_view text);
std::string size_pattern();

}  // namespace cohort::detail
