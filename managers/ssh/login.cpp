#include "login.hpp"

#include <libssh/libssh.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>

#include "authentication.hpp"
#include "dial.hpp"
#include "host_key.hpp"
#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

using namespace std::chrono_literals;

constexpr cohort::Duration first_pause = 50ms, longest_pause = 2s;

void set(ssh_session session, ssh_options_e option, const void* value, const char* name) {
  if (::ssh_options_set(session, option, value) != SSH_OK)
    throw LaunchFailure("connect", std::string("libssh does not take this ") + name + ": " + error_of(session), "");
}

std::string get(ssh_session session, ssh_options_e option) {
  char* text = nullptr;
  return ::ssh_options_get(session, option, &text) == SSH_OK ? take_text(text) : "";
}

// A session that knows where it is to go, and where that is.
struct Prepared {
  Session session;
  Server server;
  bool has_proxy = false;  // ~/.ssh/config says a command that connects
  std::vector<std::string> identity_files;
};

Prepared prepare(const LoginOptions& options) {
  Prepared prepared{Session(::ssh_new()), {options.host, 22, options.user, ""}, false, options.identity_files};
  ssh_session session = prepared.session.get();
  if (session == nullptr) throw LaunchFailure("connect", "libssh has no memory", "");
  const int no = 0, yes = 1;
  set(session, SSH_OPTIONS_HOST, options.host.c_str(), "host");
  set(session, SSH_OPTIONS_PROCESS_CONFIG, &no, "option");  // not behind our back
  set(session, SSH_OPTIONS_NODELAY, &yes, "option");
  if (options.use_config && ::ssh_options_parse_config(session, nullptr) != SSH_OK)
    throw LaunchFailure("connect", "~/.ssh/config cannot be used: " + error_of(session), "");
  if (!options.user.empty()) set(session, SSH_OPTIONS_USER, options.user.c_str(), "user");
  if (options.port != 0) set(session, SSH_OPTIONS_PORT, &options.port, "port");
  if (!options.known_hosts.empty()) {
    set(session, SSH_OPTIONS_KNOWNHOSTS, options.known_hosts.c_str(), "known_hosts");
    set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "known_hosts");
  }
  unsigned port = 22;
  ::ssh_options_get_port(session, &port);
  prepared.server.port = static_cast<int>(port);
  prepared.server.host = get(session, SSH_OPTIONS_HOST);
  prepared.server.known_hosts = options.known_hosts.empty() ? expand_home("~/.ssh/known_hosts") : options.known_hosts;
  if (options.use_config) {
    const std::string proxy = get(session, SSH_OPTIONS_PROXYCOMMAND);
    prepared.has_proxy = !proxy.empty() && proxy != "none";
  }
  ::ssh_set_blocking(session, 0);
  return prepared;
}

// sshd closes what is above MaxStartups before it says anything else than perhaps that.
bool was_refused_for_load(ssh_session session) {
  const char* banner = ::ssh_get_serverbanner(session);
  return banner == nullptr || !std::string_view(banner).starts_with("SSH-");
}

// Version and key exchange. @return false: the server has too much to do.
bool shake_hands(ssh_session session, const Patience& patience) {
  int result;
  while ((result = ::ssh_connect(session)) == SSH_AGAIN) {
    if (patience.wait(::ssh_get_fd(session), events_of(session))) continue;
    if (patience.stopped()) throw LaunchFailure("connect", "the launch was given up", "");
    throw LaunchFailure("connect", "it took the connection, but then did not answer in time",
                        "Is it an sshd that listens there, and does its host have too much to do?");
  }
  if (result == SSH_OK) return true;
  if (was_refused_for_load(session)) return false;
  throw LaunchFailure("connect", "no keys could be agreed on: " + error_of(session), "");
}

// Some more or less, so that those who were refused together do not come again together.
cohort::Duration spread(cohort::Duration pause) {
  thread_local std::minstd_rand random(std::random_device{}());
  return cohort::Duration(
      std::uniform_int_distribution<cohort::Duration::rep>(pause.count() / 2, pause.count())(random));
}

}  // namespace

LoggedIn log_in(const LoginOptions& options, Identities& identities, LoginLimit& limit, const Patience& patience) {
  const bool dials = !options.way;
  std::vector<ServerAddress> addresses;
  for (cohort::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    Prepared prepared = prepare(options);
    ssh_session session = prepared.session.get();
    const Server& server = prepared.server;
    if (dials && !prepared.has_proxy && addresses.empty()) addresses = resolve(server.host, server.port);
    {
      const std::string where = addresses.empty() ? server.host : addresses.front().host;
      const LoginLimit::Turn turn(limit, where + ' ' + std::to_string(server.port), patience);
      LoggedIn logged_in;
      cohort::FileDescriptor socket;
      if (!dials) {
        socket = options.way(server.host, server.port, patience);
      } else if (!prepared.has_proxy) {
        auto dialled = dial(addresses, server.port, patience);
        socket = std::move(dialled.socket);
        logged_in.host = std::move(dialled.host);
      }
      if (socket) {
        const socket_t descriptor = socket.get();
        set(session, SSH_OPTIONS_FD, &descriptor, "socket");
        prepared.session.get_deleter().socket = std::move(socket);
      }
      if (shake_hands(session, patience)) {
        check_host_key(session, server);
        authenticate(session, prepared.identity_files, identities, patience);
        logged_in.session = std::move(prepared.session);
        return logged_in;
      }
    }
    if (patience.sleep(spread(pause))) continue;
    throw LaunchFailure(
        "connect",
        patience.stopped() ? "the launch was given up" : "it closes each connection before it says that it is an sshd",
        "Is it one? Then it has too much to do (more logins than its MaxStartups: a smaller "
        "max_parallel or a longer connect_timeout help), or it refuses this host.");
  }
}

}  // namespace cohort_ssh
