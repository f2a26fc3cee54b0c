#pragma once

#include <memory>

#include <cohort/cluster_manager.hpp>

namespace cohort::contract {

/// A manager of this program, with a wire of its own: its workers listen at Unix sockets in a directory, without a
/// transport.
std::unique_ptr<ClusterManager> make_own_wire_manager(int count);

/// The flag with which this program is a worker of that manager; the path of its socket follows.
inline constexpr const char* own_wire_flag = "--own-wire";
/// @return the exit status.
int serve_by_own_wire(const char* path);

}  // namespace cohort::contract
