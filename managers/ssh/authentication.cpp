#include "authentication.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include <cohort/file_descriptor.hpp>

#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

// draft-miller-ssh-agent
constexpr char request_identities = 11, identities_answer = 12;
constexpr std::size_t longest_answer = 256 * 1024, most_shown = 20, longest_shown = 60;

bool receive(int socket, char* bytes, std::size_t size) {
  return ::recv(socket, bytes, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

std::uint32_t number_at(const char* bytes) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::optional<std::string_view> take_string(std::string_view& rest) {
  if (rest.size() < 4) return std::nullopt;
  const std::uint32_t size = number_at(rest.data());
  rest.remove_prefix(4);
  if (size > rest.size()) return std::nullopt;
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return text;
}

cohort::FileDescriptor connect_to_agent() {
  const char* path = std::getenv("SSH_AUTH_SOCK");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return {};
  std::strcpy(address.sun_path, path);
  cohort::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval second{1, 0};
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  return socket;
}

// What the agent answers, without the length in front of it.
std::string ask_agent() {
  const auto socket = connect_to_agent();
  const char request[] = {0, 0, 0, 1, request_identities};
  char size[4];
  if (!socket || ::send(socket.get(), request, sizeof request, MSG_NOSIGNAL) != sizeof request ||
      !receive(socket.get(), size, sizeof size))
    return "";
  std::string answer(std::min<std::size_t>(number_at(size), longest_answer), '\0');
  return receive(socket.get(), answer.data(), answer.size()) ? answer : "";
}

/// The comments of the keys that the agent of SSH_AUTH_SOCK has, for a message: " (ada@laptop, work)". "" if it has
/// none or does not say. Waits a second at most.
std::string names_of_agent_keys() {
  const std::string answer = ask_agent();
  std::string_view rest = answer;
  if (rest.size() < 5 || rest.front() != identities_answer) return "";
  const std::uint32_t count = number_at(rest.data() + 1);
  rest.remove_prefix(5);
  std::string names;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto key = take_string(rest), comment = key ? take_string(rest) : std::nullopt;
    if (!comment) break;
    if (i == most_shown) {
      names += ", and " + std::to_string(count - i) + " more";
      break;
    }
    names += (names.empty() ? "" : ", ") + std::string(comment->substr(0, longest_shown));
  }
  return names.empty() ? "" : " (" + names + ")";
}

// The tries of one login.
class Attempts {
 public:
  Attempts(ssh_session session, const Patience& patience) : session_(session), patience_(patience) {}

  /// @return whether the server let the user in. @param name says what is tried, for the message.
  template <class Name, class Try>
  bool let_in_by(Name&& name, Try&& attempt) {
    int result;
    // A server that ended the connection said why, and nothing more will come.
    while ((result = attempt()) == SSH_AUTH_AGAIN && ::ssh_is_connected(session_)) {
      if (!patience_.wait(::ssh_get_fd(session_), events_of(session_))) {
        fail(patience_.stopped() ? "the launch was given up" : "no answer in time");
      }
    }
    if (result == SSH_AUTH_SUCCESS) return true;
    if (!::ssh_is_connected(session_)) {
      note(name());
      fail("the server ended the connection: " + error_of(session_));
    }
    note(name() + (result == SSH_AUTH_PARTIAL ? " was taken, but the server wants more" : ": refused"));
    return false;
  }
  void note(const std::string& what) { tried_ += (tried_.empty() ? "" : "; ") + what; }
  [[noreturn]] void fail(const std::string& why) const {
    char* user = nullptr;
    std::string name;
    if (::ssh_options_get(session_, SSH_OPTIONS_USER, &user) == SSH_OK) name = take_text(user);
    throw LaunchFailure(
        "auth", why + (name.empty() ? "" : " (user " + name + ")") + (tried_.empty() ? "" : ". Tried: " + tried_ + "."),
        "Is your public key in ~/.ssh/authorized_keys there (ssh-copy-id puts it there), and is that the "
        "user? The options 'user' and 'identity' say others. A server takes only so many tries (MaxAuthTries, 6 by "
        "default): where the agent has more keys, 'identity' names the right one.");
  }

 private:
  ssh_session session_;
  const Patience& patience_;
  std::string tried_;
};

}  // namespace

void authenticate(ssh_session session, const std::vector<std::string>& identity_files, Identities& identities,
                  const Patience& patience) {
  Attempts attempts(session, patience);
  // Tells what the server takes, and is all that some want.
  if (attempts.let_in_by([] { return std::string("no key"); }, [&] { return ::ssh_userauth_none(session, nullptr); }))
    return;
  const int methods = ::ssh_userauth_list(session, nullptr);
  if (methods != 0 && (methods & SSH_AUTH_METHOD_PUBLICKEY) == 0) attempts.fail("the server takes no keys");

  const bool has_agent = std::getenv("SSH_AUTH_SOCK") != nullptr;
  const auto by_agent = [&] {
    return has_agent && attempts.let_in_by([] { return "the agent's keys" + names_of_agent_keys(); },
                                           [&] { return ::ssh_userauth_agent(session, nullptr); });
  };
  if (identity_files.empty() && by_agent()) return;
  if (!has_agent && identity_files.empty()) attempts.note("there is no agent");

  bool some_locked = false;
  for (const auto& file : identity_files.empty() ? Identities::default_files() : identity_files) {
    std::string problem;
    const Key key = identities.load(file, patience, problem);
    if (key == nullptr) {
      attempts.note(problem);
      some_locked = true;
    } else if (attempts.let_in_by([&] { return file; },
                                  [&] { return ::ssh_userauth_publickey(session, nullptr, key.get()); })) {
      return;
    }
  }
  if (some_locked && !identity_files.empty() && by_agent()) return;
  attempts.fail("the server did not let us in");
}

}  // namespace cohort_ssh
