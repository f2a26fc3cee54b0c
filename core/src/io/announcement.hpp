#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cohort {

/// The address that a worker announces.
struct Announcement {
  std::string host;  ///< with port 0: the whole address, in the form of its transport
  int port = 0;
};

/// Returns the line for an address of a listener: "cohort_worker:9123#127.0.0.1" for "127.0.0.1:9123" and
/// "cohort_worker:9123#::1" for "[::1]:9123". An address without a port is announced unchanged:
/// "cohort_worker:0#unix:/run/cohort/x".
inline std::string announcement_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":/@") != host.npos)
    host.clear();  // not a host
  int port = 0;
  if (colon != address.npos) {
    const char* end = address.data() + address.size();
    const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end || port < 1 || port > 65535) port = 0;
  }
  return "cohort_worker:" + (host.empty() || port == 0 ? "0#" + address : std::to_string(port) + '#' + host);
}

/// The line that a worker prints when it listens, without its end: "cohort_worker:<port>#<host>", or
/// "cohort_worker:0#<address>". Host and address are printable text without blanks, of 1024 bytes at most. nullopt: it
/// is some other line.
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
  if (found.host.empty() || found.host.size() > 1024) return std::nullopt;
  for (const char c : found.host) {
    if (c <= ' ' || c == '\x7f') return std::nullopt;  // as char is signed here, this takes ASCII only
  }
  return found;
}

/// Returns how many bytes of the line come before an announcement at its end: output that was printed without a line
/// end before the worker listened. nullopt: there is no announcement.
inline std::optional<std::size_t> find_announcement(std::string_view line) {
  const std::size_t place = line.rfind("cohort_worker:");
  if (place == line.npos || !parse_announcement(line.substr(place))) return std::nullopt;
  return place;
}

}  // namespace cohort
