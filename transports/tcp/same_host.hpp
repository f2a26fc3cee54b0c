#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_tcp {

// Processes of one user on one host are connected by shared memory, or by Unix sockets: both are faster than TCP and
// not affected by firewalls. In addition to each TCP address a listener has an abstract name of a Unix socket that is
// derived from it; a process that connects to the address tries that name first. An abstract name is visible only in
// one network namespace, like the address, so a listener with this name is the one that listens at the address. If it
// belongs to another user, it is not used. In any case the handshake authenticates the other end.

/// What processes of one host and user are connected by, if both ends have this.
enum class SameHost { shm, unix_socket, tcp };
SameHost same_host_of(const std::string& option);

/// Listens at the name that belongs to `address`. Empty if that is not possible: TCP is used then.
cohort::FileDescriptor listen_beside(const std::string& address, SameHost by, int backlog);

/// Connects to the listener with that name. Empty if there is none of this user on this host. Never waits.
cohort::FileDescriptor dial_beside(const std::string& address, SameHost by);

}  // namespace cohort_tcp
