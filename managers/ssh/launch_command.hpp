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

/// The command for every login shell (sh, bash, zsh, fish, csh): it prints the line `ready`, and takes the script from
/// the first line of its input, so that nothing of it is quoted twice, or seen in a list of processes. Whoever sends
/// input only after that line sends it to nobody else: profiles are through by then.
/// @param shell a plain command. @param ready letters, digits and '-'.
std::string launch_command(const std::string& shell, const std::string& ready);

/// Whether every login shell takes it as a program and its arguments, and nothing else.
bool is_plain_command(std::string_view text);
/// "'…' " and this: why not.
inline constexpr const char* plain_command_rule =
    "is not a program and its arguments, of letters, digits and _-+./:,@ alone";

/// The line that makes launch_command become the program, with its end. It first prints the line
/// "MARK PID ADDRESS", by which the output of profiles ends.
std::string launch_script(const RemoteProgram& program, std::string_view mark);

/// Exit status of the script when `dir` cannot be entered.
inline constexpr int no_directory = 117;

/// What that line says.
struct Launched {
  int pid = 0;          ///< of the program, and of its process group
  std::string address;  ///< by which ssh came in; empty: the server does not tell
};
std::optional<Launched> parse_launched(std::string_view line, std::string_view mark);

/// Letters, digits and _, but no digit in front.
bool is_variable_name(std::string_view name);

/// A word for a POSIX shell; as it is, where nothing in it is special.
std::string shell_word(std::string_view text);
/// The same for a path on the machine: a `~` at its beginning is the home directory there.
/// @param home the variable of the shell that has it.
std::string shell_path(std::string_view path, const std::string& home = "HOME");

}  // namespace cohort_ssh
