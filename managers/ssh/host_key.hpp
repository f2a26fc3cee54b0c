#pragma once

#include <string>

#include "known_hosts.hpp"
#include "libssh_handles.hpp"

namespace cohort_ssh {

/// The server of a session, for messages.
struct Server {
  std::string host;  ///< as in known_hosts
  int port = 22;
  std::string user;         ///< empty: the default
  std::string known_hosts;  ///< the file that new keys would be written to
};

/// Compares the key that the server proved to have with its known keys. Never adds a key, and nothing in ~/.ssh/config
/// makes it less strict.
/// @throws LaunchFailure in phase "host key", with the fingerprint and the command that would accept it.
void check_host_key(ssh_session session, const Server& server, const KnownHosts& known_hosts);

}  // namespace cohort_ssh
