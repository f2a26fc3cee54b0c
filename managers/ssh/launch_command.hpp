#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort_ssh {

inline constexpr const char* usual_shell = "/bin/sh";

/// What to start on a machine, and how.
struct RemoteProgram {
  std::string shell = usual_shell;  ///< reads the script: a plain command, compatible with sh
  std::string program;
  std::vector<std::string> arguments;
  std::map<std::string, std::optional<std::string>> env;  ///< nullopt removes
  std::string libraries;                                  ///< directory that is searched for them first; may be empty
  std::string dir;  ///< must be there; empty: `usual_dir` if it is there, else the home directory
  std::string usual_dir;
  bool bind_to_server = false;  ///< add --bind-to=ADDRESS, by which ssh came in
};

/// Returns a command for every login shell (sh, bash, zsh, fish, csh): it prints the line `ready`, and reads the script
/// from the first line of its input, so that nothing is quoted twice, or visible in a list of processes. Send input
/// only after that line: the profiles have finished then, so nothing else reads the input.
/// @param shell a plain command. @param ready letters, digits and '-'.
std::string launch_command(const std::string& shell, const std::string& ready);

/// Whether every login shell reads it only as a program and its arguments.
bool is_plain_command(std::string_view text);
/// The reason for which it is refused; messages put the quoted text before it.
inline constexpr const char* plain_command_rule =
    "is not a program and its arguments, of letters, digits and _-+./:,@ alone";

/// Returns the line, with its line end, that makes launch_command execute the program. It first prints the line
/// "MARK PID ADDRESS", which ends the output of profiles.
std::string launch_script(const RemoteProgram& program, std::string_view mark);

/// Exit status of the script when `dir` cannot be entered.
inline constexpr int no_directory = 117;

/// The content of the line "MARK PID ADDRESS".
struct Launched {
  int pid = 0;          ///< of the program, and of its process group
  std::string address;  ///< by which ssh came in; empty: the server does not tell
};
std::optional<Launched> parse_launched(std::string_view line, std::string_view mark);

/// Whether it consists of letters, digits and _, and does not begin with a digit.
bool is_variable_name(std::string_view name);

/// Quotes a word for a POSIX shell; unchanged if it contains nothing special.
std::string shell_word(std::string_view text);
/// Quotes a path on the machine: a `~` at its beginning is the home directory there.
/// @param home the shell variable that contains it.
std::string shell_path(std::string_view path, const std::string& home = "HOME");

}  // namespace cohort_ssh
