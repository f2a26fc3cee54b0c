#pragma once

#include "node/master.hpp"
#include "node/worker.hpp"

namespace cohort {

/// The role of this process in its cluster; the Session sets it. @throws Error if there is none.
Master& current_master();
/// Null in a worker.
Master* master_or_null();
/// The node that the free functions use on the calling thread. @throws Error if there is no session.
Node& current_node();

/// Translates the status with which a Session ends the program if it cannot start; `cohort map` has others. Set before
/// the Session is made, by its thread.
extern int (*session_exit_status)(int status);

}  // namespace cohort
