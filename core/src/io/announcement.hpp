#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace cohort {

/// Where a worker says that it listens.
struct Announcement {
  std::string host;
  int port = 0;
};

/// The line that a worker prints when it listens, without its end: "cohort_worker:<port>#<host>". The host is
/// printable text without blanks. nullopt: it is some other line.
inline std::optional<Announcement> parse_announcement(std::string_view line) {
  constexpr std::string_view start = "cohort_worker:";
  if (!line.starts_with(start)) return std::nullopt;
  line.remove_prefix(start.size());
  const std::size_t hash = line.find('#');
  if (hash == 0 || hash == line.npos) return std::nullopt;
  Announcement found;
  const auto [end, error] = std::from_chars(line.data(), line.data() + hash, found.port);
  if (error != std::errc() || end != line.data() + hash || found.port < 0 || found.port > 65535) return std::nullopt;
  found.host = line.substr(hash + 1);
  if (found.host.empty()) return std::nullopt;
  for (const char c : found.host) {
    if (c <= ' ' || c == '\x7f') return std::nullopt;  // as char is signed here, this takes ASCII only
  }
  return found;
}

}  // namespace cohort
