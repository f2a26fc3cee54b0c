#include "login.hpp"

#include <libssh/libssh.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>

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

// What the user's file says comes before what the system's says.
void read_config(Prepared& prepared) {
  ssh_session session = prepared.session.get();
  for (const std::string& file : {expand_home("~/.ssh/config"), std::string("/etc/ssh/ssh_config")}) {
    if (::ssh_options_parse_config(session, file.c_str()) != SSH_OK)
      throw LaunchFailure("connect", file + " cannot be used: " + error_of(session), "");
  }
  const std::string proxy = get(session, SSH_OPTIONS_PROXYCOMMAND);
  prepared.has_proxy = !proxy.empty() && proxy != "none";
  const std::string identity = get(session, SSH_OPTIONS_IDENTITY);
  const bool is_default = identity.find('%') != identity.npos;  // libssh's own are "%d/id_ed25519" and so on
  if (prepared.identity_files.empty() && !identity.empty() && !is_default)
    prepared.identity_files = {expand_home(identity)};
}

Prepared prepare(const LoginOptions& options) {
  Prepared prepared{Session(::ssh_new()), {options.host, 22, options.user, ""}, false, options.identity_files};
  ssh_session session = prepared.session.get();
  if (session == nullptr) throw LaunchFailure("connect", "libssh has no memory", "");
  const int no = 0, yes = 1;
  set(session, SSH_OPTIONS_HOST, options.host.c_str(), "host");
  set(session, SSH_OPTIONS_PROCESS_CONFIG, &no, "option");  // not behind our back
  set(session, SSH_OPTIONS_NODELAY, &yes, "option");
  set(session, SSH_OPTIONS_KNOWNHOSTS, expand_home("~/.ssh/known_hosts").c_str(), "known_hosts");
  if (options.use_config) read_config(prepared);
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
  prepared.server.known_hosts = get(session, SSH_OPTIONS_KNOWNHOSTS);
  ::ssh_set_blocking(session, 0);
  return prepared;
}

// What the server will say next, without taking it. Empty: it ended the connection, or the patience is over.
std::string next_words(int socket, const Patience& patience) {
  char words[4];
  while (patience.wait(socket, POLLIN)) {
    const ssize_t count = ::recv(socket, words, sizeof words, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) return std::string(words, static_cast<std::size_t>(count));
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return "";
}

[[noreturn]] void fail_for_time(const Patience& patience) {
  if (patience.stopped()) throw LaunchFailure("connect", "the launch was given up", "");
  throw LaunchFailure("connect", "it took the connection, but then did not answer in time",
                      "Is it an sshd that listens there, and does its host have too much to do?");
}

// What is above its MaxStartups sshd closes, with a sentence instead of its version. libssh 0.10 would wait for more.
bool is_refused_for_load(int socket, const Patience& patience) {
  const std::string words = next_words(socket, patience);
  if (words.empty() && patience.over()) fail_for_time(patience);
  return words.empty() || words == "Exce" || words == "Not ";  // "Exceeded MaxStartups", "Not allowed at this time"
}

// Version and key exchange.
void shake_hands(ssh_session session, const Patience& patience) {
  bool at_end = false;
  int result;
  while ((result = ::ssh_connect(session)) == SSH_AGAIN && !at_end) {
    const int socket = ::ssh_get_fd(session);
    if (!patience.wait(socket, events_of(session))) fail_for_time(patience);
    char next;
    at_end = ::recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;  // libssh may not see it
  }
  if (result == SSH_OK) return;
  throw LaunchFailure(
      "connect",
      at_end ? "it ended the connection while keys were agreed on" : "no keys could be agreed on: " + error_of(session),
      "Is it an sshd that listens there?");
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
      const bool refused = socket && is_refused_for_load(socket.get(), patience);
      if (socket) {
        const socket_t descriptor = socket.get();
        set(session, SSH_OPTIONS_FD, &descriptor, "socket");
        prepared.session.get_deleter().socket = std::move(socket);
      }
      if (!refused) {
        shake_hands(session, patience);
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
