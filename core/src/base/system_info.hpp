#pragma once

#include <string>

namespace cohort {

/// What a file of /proc or /sys says; "": it cannot be read. Not by the streams of the C++ library: the first one in a
/// process makes its locale, which takes longer than many such files, and each worker begins with some.
std::string read_system_file(const std::string& path);

/// This machine, told from all others: its name and the id of its boot. Containers have names of their own.
std::string host_id();

/// Where the process ids of this process mean the same: its machine and its PID namespace.
std::string process_space();

/// The file that this process's program was started from; empty where there is no /proc. What the system appends to the
/// name of one that was replaced or removed since, " (deleted)", is left out.
std::string own_program();

/// Whether `path` names that file, and it was replaced or removed since the start. Executing /proc/self/exe still
/// starts what runs.
bool is_replaced_program(const std::string& path);

/// Whether a process of this host was stopped, by Ctrl-Z or by a debugger: it will go on some time.
bool is_stopped_process(int ospid);

}  // namespace cohort
