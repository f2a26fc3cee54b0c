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

}  // namespace cohort
