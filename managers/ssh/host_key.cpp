#include "host_key.hpp"

#include <filesystem>

#include "launch_command.hpp"
#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

struct PresentedKey {
  std::string type;         // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…"
};

PresentedKey presented_by(ssh_session session) {
  ssh_key raw = nullptr;
  if (::ssh_get_server_publickey(session, &raw) != SSH_OK)
    throw LaunchFailure("host key", "the server showed none: " + error_of(session), "");
  const Key key(raw);
  PresentedKey presented{::ssh_key_type_to_char(::ssh_key_type(key.get())), ""};
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (::ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == 0) {
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

void check_host_key(ssh_session session, const Server& server) {
  const auto known = ::ssh_session_is_known_server(session);
  if (known == SSH_KNOWN_HOSTS_OK) return;
  const PresentedKey key = presented_by(session);
  const std::string shown = "its " + key.type + " key " + key.fingerprint;
  const std::string compare = "Compare the fingerprint with the host's own; if it is the same: ";
  switch (known) {
    case SSH_KNOWN_HOSTS_CHANGED:
      throw LaunchFailure("host key",
                          shown + " is not the one in " + server.known_hosts +
                              ". Somebody may be listening in, or the host was set up anew.",
                          compare + forget_command(server) + " && " + accept_command(server, key));
    case SSH_KNOWN_HOSTS_OTHER:
      throw LaunchFailure("host key", shown + " is not known; " + server.known_hosts + " has one of another type.",
                          compare + accept_command(server, key));
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      throw LaunchFailure("host key", shown + " is not in " + server.known_hosts + ".",
                          compare + accept_command(server, key));
    default:
      throw LaunchFailure("host key", "it cannot be looked up: " + error_of(session), "");
  }
}

}  // namespace cohort_ssh
