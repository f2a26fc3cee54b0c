#pragma once

#include "node/master.hpp"
#include "node/worker.hpp"

namespace cohort {

/// This process's part in its cluster; set by the Session. @throws Error when there is none.
Master& current_master();
/// Null in a worker.
Master* master_or_null();
/// What the calling thread's free functions act on. @throws Error when there is no session.
Node& current_node();

/// Translates the status that a Session ends the program with when it cannot start; `cohort map` has others. Set before
/// the Session is made, by its thread.
extern int (*session_exit_status)(int status);

}  // namespace cohort
