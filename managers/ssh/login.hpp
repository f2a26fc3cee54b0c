#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "identities.hpp"
#include "libssh_handles.hpp"
#include "login_limit.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// How to log in at one server.
struct LoginOptions {
  std::string host;
  int port = 0;                             ///< 0: 22, or what ~/.ssh/config says
  std::string user;                         ///< empty: this one, or what ~/.ssh/config says
  std::vector<std::string> identity_files;  ///< empty: agent and default keys
  std::string known_hosts;                  ///< empty: the user's file and the system's
  bool use_config = false;  ///< read ~/.ssh/config and the system's: names, users, ports, keys, ProxyCommand,
                            ///< ProxyJump and files of known hosts; how strictly those are taken it does not say
  /// A connection to the server through another server, to be used instead of dialling.
  std::function<cohort::FileDescriptor(const std::string& host, int port, const Patience&)> way{};
};

/// Returns a session with a known server, in which the user is logged in; non-blocking.
struct LoggedIn {
  Session session;
  std::string host;  ///< numeric address of the server; empty where others were between
};

/// @throws LaunchFailure with the phase. A server that refuses because of load is tried again, with growing pauses.
LoggedIn log_in(const LoginOptions& options, Identities& identities, LoginLimit& limit, const Patience& patience);

}  // namespace cohort_ssh
