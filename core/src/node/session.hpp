#pragma once

#include <exception>
#include <memory>

#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>
#include <cohort/worker.hpp>

#include "node/master.hpp"
#include "node/worker.hpp"

namespace cohort {

/// The node that the free functions use on the calling thread. @throws Error if there is none.
NodeImpl& current_node();
/// @throws Error if that is none of a master.
Master& current_master();
/// Null where there is none, or it is that of a worker.
Master* master_or_null();

/// Has the master run it. @throws what it throws, as where this process is the master.
template <class F, class... A>
auto ask_master(F f, const A&... arguments) {
  try {
    return remotecall_fetch(f, master_pid, arguments...);
  } catch (const RemoteException& error) {
    if (error.cause() != nullptr) std::rethrow_exception(error.cause());
    throw;
  }
}

/// @throws Error if this process was launched as a worker and has no Session: it would launch workers that do the same.
void refuse_to_lead_as_worker();

/// Removes the workers, and destroys the master unless a manager's function does not return.
void end_master(std::unique_ptr<Master> master) noexcept;
/// @throws ConfigError for what cannot be.
Worker::Settings worker_settings(WorkerOptions options);

}  // namespace cohort
