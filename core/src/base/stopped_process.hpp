#pragma once

namespace cohort {

/// Whether a process of this host was stopped, by Ctrl-Z or by a debugger: it will go on some time.
bool is_stopped_process(int ospid);

}  // namespace cohort
