#include "host_key.hpp"

#include "launch_command.hpp"
#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

struct PresentedKey {
  Key key;
  std::string type;         // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…"
};

PresentedKey presented_by(ssh_session session) {
  ssh_key raw = nullptr;
  if (::ssh_get_server_publickey(session, &raw) != SSH_OK)
    throw LaunchFailure("host key", "the server showed none: " + error_of(session), "");
  PresentedKey presented{Key(raw), ::ssh_key_type_to_char(::ssh_key_type(raw)), ""};
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (::ssh_get_publickey_hash(raw, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == 0) {
    presented.fingerprint = take_text(::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
    ::ssh_clean_pubkey_hash(&hash);
  }
  return presented;
}

// As ssh-keyscan calls it.
std::string scan_type(const std::string& type) {
  if (type.starts_with("ecdsa")) return "ecdsa";
  return type.starts_with("ssh-") ? type.substr(4) : type;
}

std::string accept_command(const Server& server, const PresentedKey& key) {
  return "ssh-keyscan -t " + scan_type(key.type) + (server.port == 22 ? "" : " -p " + std::to_string(server.port)) +
         " " + shell_word(server.host) + " >> " + shell_word(server.known_hosts);
}

std::string forget_command(const Server& server) {
  const std::string name = server.port == 22 ? server.host : "[" + server.host + "]:" + std::to_string(server.port);
  return "ssh-keygen -R " + shell_word(name) + " -f " + shell_word(server.known_hosts);
}

}  // namespace

void check_host_key(ssh_session session, const Server& server, const KnownHosts& known_hosts) {
  const PresentedKey presented = presented_by(session);
  const std::string shown = "its " + presented.type + " key " + presented.fingerprint;
  const std::string unreadable =
      known_hosts.unreadable().empty() ? "" : " No key can be read in " + known_hosts.unreadable() + ".";
  const std::string compare = "Compare the fingerprint with the host's own; if it is the same: ";
  switch (known_hosts.verdict(presented.key.get())) {
    case KnownHosts::Verdict::known:
      return;
    case KnownHosts::Verdict::revoked:
      throw LaunchFailure("host key", shown + " is marked @revoked: it must not be trusted any more.", "");
    case KnownHosts::Verdict::changed:
      throw LaunchFailure("host key",
                          shown + " is not the one in " + server.known_hosts +
                              ". Somebody may be listening in, or the host was set up anew." + unreadable,
                          compare + forget_command(server) + " && " + accept_command(server, presented));
    case KnownHosts::Verdict::other_type:
      throw LaunchFailure("host key",
                          shown + " is not known; " + server.known_hosts + " has one of another type." + unreadable,
                          compare + accept_command(server, presented));
    case KnownHosts::Verdict::unknown:
      throw LaunchFailure("host key", shown + " is not in " + server.known_hosts + "." + unreadable,
                          compare + accept_command(server, presented));
  }
}

}  // namespace cohort_ssh
