#include "authentication.hpp"

#include <cstdlib>

#include "agent_keys.hpp"
#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

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
