#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort_ssh {

/// Where workers are to be started, as the user wrote it: `[COUNT*][user@]host[:port] [bind_addr[:port]] [key=value…]`.
/// A value with blanks in it stands in quotes: `key="a value"`.
struct Machine {
  std::string user;         ///< empty: not said
  std::string host;         ///< name or numeric address, without brackets
  int port = 0;             ///< 0: not said
  std::string bind;         ///< where the worker listens, as written; empty: the address that ssh came in by
  int count = 1;            ///< workers in all
  bool count_auto = false;  ///< one for each CPU of the machine instead
  /// identity, jump, dir, exename, shell, tunnel: instead of the option's value; advertise; env.NAME, see env().
  std::map<std::string, std::string> settings;

  /// "ada@node1:2222"; for messages, and as the argument of ssh without its port.
  std::string text() const;
  /// Where the additional workers of the machine listen: `bind` without its port, because only one worker can use it.
  std::string bind_host() const;
  /// Variables that its workers have besides those of the option.
  std::map<std::string, std::string> env() const;
};

/// One specification, which may stand for many machines: "2*node[01-16]".
/// @throws ConfigError with the text and what is wrong with it.
std::vector<Machine> parse_machines(std::string_view text);

/// One specification a line; `#` outside quotes begins a comment. @throws ConfigError with file and line.
std::vector<Machine> read_machine_file(const std::filesystem::path& file);

/// Makes one entry for each machine: entries that differ only in the count become one entry with all the workers.
std::vector<Machine> merge_machines(const std::vector<Machine>& machines);

/// Distributes `count` workers in rounds; in each round a machine gets up to its own count. Machines that get none are
/// omitted. @throws ConfigError if one has the count "auto".
std::vector<Machine> deal_workers(std::vector<Machine> machines, int count);

}  // namespace cohort_ssh
