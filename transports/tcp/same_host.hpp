#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_tcp {

// Processes of one user on one host are connected by Unix sockets, which are faster than TCP and not affected by
// firewalls. In addition to each TCP address a listener has an abstract name that is derived from it; a process that
// connects to the address tries that name first. An abstract name is visible only in one network namespace, like the
// address, so a listener with this name is the one that listens at the address. If it belongs to another user, it is
// not used. In any case the handshake authenticates the other end.

/// Listens at the name that belongs to `address`. Empty if that is not possible: TCP is used then.
cohort::FileDescriptor listen_beside(const std::string& address, int backlog);

/// Connects to the listener with that name. Empty if there is none of this user on this host. Never waits.
cohort::FileDescriptor dial_beside(const std::string& address);

}  // namespace cohort_tcp
