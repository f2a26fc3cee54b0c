#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_tcp {

// Processes of one host and one user reach each other by Unix sockets, which are faster than TCP and which no firewall
// minds. Beside each TCP address a listener has an abstract name made of it; whoever dials the address tries that name
// first. An abstract name is seen in one network namespace only, as the address is, so a listener that is found by it
// is the one that listens at the address; of another user it is left alone. What is at the other end is proved by the
// handshake in any case.

/// Listens at the name that belongs to `address`. Empty: it cannot be had, TCP remains.
cohort::FileDescriptor listen_beside(const std::string& address, int backlog);

/// A connection to who listens there. Empty: nobody of this user, or nobody on this host. Never waits.
cohort::FileDescriptor dial_beside(const std::string& address);

}  // namespace cohort_tcp
