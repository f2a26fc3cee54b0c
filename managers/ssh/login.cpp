#include "login.hpp"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <random>

#include <cohort/file_access.hpp>

#include "authentication.hpp"
#include "dial.hpp"
#include "host_key.hpp"
#include "known_hosts.hpp"
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
  std::string proxy;  // the command of ~/.ssh/config that connects; empty: none
  std::vector<std::string> identity_files;
  std::vector<std::string> known_hosts;  // files
};

constexpr const char* user_known_hosts = "~/.ssh/known_hosts";
constexpr const char* system_known_hosts = "/etc/ssh/ssh_known_hosts";

// A file of known hosts, as the ssh configuration says it if that was read and does.
std::string known_hosts_of(ssh_session session, ssh_options_e option, const char* otherwise) {
  const std::string file = get(session, option);
  if (file.find('%') != file.npos)
    throw LaunchFailure("connect", "the file of known hosts '" + file + "' in the ssh configuration has a %",
                        "The option known_hosts says the file.");
  return cohort::expand_home(file.empty() ? otherwise : file);
}

// Only what the option promises is taken from there. What the user's file says comes before what the system's says.
void read_config(Prepared& prepared) {
  ssh_session session = prepared.session.get();
  const std::string own = cohort::expand_home("~/.ssh/config");
  if (std::error_code ignored; std::filesystem::exists(own, ignored)) {
    if (const std::string problem = cohort::why_untrusted(own); !problem.empty())
      throw LaunchFailure("connect",
                          "the ssh configuration may name commands, and others could have written it: " + problem, "");
  }
  for (const std::string& file : {own, std::string("/etc/ssh/ssh_config")}) {
    if (::ssh_options_parse_config(session, file.c_str()) != SSH_OK)
      throw LaunchFailure("connect", file + " cannot be used: " + error_of(session), "");
  }
  const long no_limit = 0;  // ConnectTimeout; connect_timeout decides
  set(session, SSH_OPTIONS_TIMEOUT, &no_limit, "option");
  const std::string proxy = get(session, SSH_OPTIONS_PROXYCOMMAND);
  if (proxy != "none") prepared.proxy = proxy;
  const std::string identity = get(session, SSH_OPTIONS_IDENTITY);
  const bool is_default = identity.find('%') != identity.npos;  // libssh's own are "%d/id_ed25519" and so on
  if (prepared.identity_files.empty() && !identity.empty() && !is_default)
    prepared.identity_files = {cohort::expand_home(identity)};
  prepared.server.host = get(session, SSH_OPTIONS_HOST);
}

// Without the configuration libssh needs no name, and it takes fewer than ssh does: not node_1.
void set_host(ssh_session session, const LoginOptions& options) {
  if (::ssh_options_set(session, SSH_OPTIONS_HOST, options.use_config ? options.host.c_str() : "host") == SSH_OK)
    return;
  throw LaunchFailure("connect",
                      "libssh looks up in the ssh configuration only names of letters, digits, '-' and '.', and not '" +
                          options.host + "'",
                      "Without use_config the name can be used.");
}

Prepared prepare(const LoginOptions& options) {
  Prepared prepared;
  prepared.session.reset(::ssh_new());
  prepared.server = {options.host, 22, options.user, ""};
  prepared.identity_files = options.identity_files;
  ssh_session session = prepared.session.get();
  if (session == nullptr) throw LaunchFailure("connect", "libssh has no memory", "");
  // LogLevel of the configuration would have libssh write to standard error, of this thread only.
  ::ssh_set_log_callback([](int, const char*, const char*, void*) {});
  const int no = 0, yes = 1;
  set_host(session, options);
  set(session, SSH_OPTIONS_PROCESS_CONFIG, &no, "option");  // not behind our back
  set(session, SSH_OPTIONS_NODELAY, &yes, "option");
  if (options.use_config) read_config(prepared);
  if (!options.user.empty()) set(session, SSH_OPTIONS_USER, options.user.c_str(), "user");
  if (options.port != 0) set(session, SSH_OPTIONS_PORT, &options.port, "port");
  if (options.known_hosts.empty())
    prepared.known_hosts = {known_hosts_of(session, SSH_OPTIONS_KNOWNHOSTS, user_known_hosts),
                            known_hosts_of(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, system_known_hosts)};
  else
    prepared.known_hosts = {options.known_hosts};
  unsigned port = 22;
  ::ssh_options_get_port(session, &port);
  prepared.server.port = static_cast<int>(port);
  prepared.server.known_hosts = prepared.known_hosts.front();
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

// Version and key exchange. @param proxy the command that connects, or "".
void shake_hands(ssh_session session, const std::string& proxy, const Patience& patience) {
  bool at_end = false;
  int result;
  while ((result = ::ssh_connect(session)) == SSH_AGAIN && !at_end) {
    const int socket = ::ssh_get_fd(session);
    if (!patience.wait(socket, events_of(session))) fail_for_time(patience);
    char next;
    at_end = ::recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;  // libssh may not see it
  }
  if (result == SSH_OK) return;
  if (!proxy.empty())
    throw LaunchFailure("connect",
                        "the ProxyCommand '" + proxy + "' of the ssh configuration did not lead to an sshd: " +
                            (at_end ? "it ended" : error_of(session)),
                        "Does it work by itself? What it printed stands on standard error.");
  throw LaunchFailure(
      "connect",
      at_end ? "it ended the connection while keys were agreed on" : "no keys could be agreed on: " + error_of(session),
      "Is it an sshd that listens there?");
}

// libssh is to ask the server for a key of a type that is known; for that it sees nothing else of the files.
void shake_hands(Prepared& prepared, const KnownHosts& known_hosts, const std::string& proxy,
                 const Patience& patience) {
  ssh_session session = prepared.session.get();
  std::string path;
  const cohort::FileDescriptor file = known_hosts.write_for_libssh(path);
  set(session, SSH_OPTIONS_KNOWNHOSTS, path.c_str(), "known_hosts");
  set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "known_hosts");
  shake_hands(session, proxy, patience);
  set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null", "known_hosts");  // it looks there again when keys are renewed
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
    if (dials && prepared.proxy.empty() && addresses.empty()) addresses = resolve(server.host, server.port);
    {
      const std::string where = addresses.empty() ? server.host : addresses.front().host;
      const LoginLimit::Turn turn(limit, where + ' ' + std::to_string(server.port), patience);
      LoggedIn logged_in;
      cohort::FileDescriptor socket;
      if (!dials) {
        socket = options.way(server.host, server.port, patience);
      } else if (prepared.proxy.empty()) {
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
        const KnownHosts known_hosts(prepared.known_hosts, server.host, server.port);
        shake_hands(prepared, known_hosts, dials ? prepared.proxy : "", patience);
        check_host_key(session, server, known_hosts);
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
