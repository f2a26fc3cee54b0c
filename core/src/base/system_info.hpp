#pragma once

#include <string>

namespace cohort {

/// Returns the content of a file of /proc or /sys; "" if it cannot be read. It does not use the streams of the C++
/// library: the first stream in a process creates a locale, which takes longer than reading the few files that each
/// worker needs.
std::string read_system_file(const std::string& path);

/// Identifies this machine: its name and its boot id. Containers have names of their own.
std::string host_id();

/// Identifies where the process ids of this process are valid: its machine and its PID namespace.
std::string process_space();

/// Returns the file from which this process's program was started; empty if there is no /proc. If the file was replaced
/// or removed since, the " (deleted)" that the system appends is removed.
std::string own_program();

/// Whether `path` names that file, and it was replaced or removed since the start. Executing /proc/self/exe still
/// starts the running program.
bool is_replaced_program(const std::string& path);

/// Whether a process of this host is stopped, by Ctrl-Z or by a debugger, and may continue later.
bool is_stopped_process(int ospid);

}  // namespace cohort
