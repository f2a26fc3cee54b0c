#include "known_hosts.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {

// As it stands in the files.
std::string name_of(std::string host, int port) {
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return port == 22 ? host : '[' + host + "]:" + std::to_string(port);
}

struct FreeEntry {
  void operator()(ssh_knownhosts_entry* entry) const { ::ssh_knownhosts_entry_free(entry); }
};

// SSH_AGAIN: the line is about other hosts.
int parse(const std::string& host, const std::string& line, Key& key) {
  ssh_knownhosts_entry* entry = nullptr;
  const int result = ::ssh_known_hosts_parse_line(host.c_str(), line.c_str(), &entry);
  if (result != SSH_OK) return result;
  const std::unique_ptr<ssh_knownhosts_entry, FreeEntry> owned(entry);
  key.reset(std::exchange(entry->publickey, nullptr));
  return SSH_OK;
}

// Whether one of the patterns "a,b,!c" begins with '!' and is about the host. libssh does not look at these.
bool is_excluded(const std::string& host, const std::string& patterns, const std::string& key) {
  std::istringstream all(patterns);
  Key ignored;
  for (std::string pattern; std::getline(all, pattern, ',');)
    if (pattern.starts_with('!') && parse(host, pattern.substr(1) + ' ' + key, ignored) == SSH_OK) return true;
  return false;
}

bool has(const std::vector<Key>& keys, ssh_key key) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& known) { return ::ssh_key_cmp(known.get(), key, SSH_KEY_CMP_PUBLIC) == 0; });
}

}  // namespace

KnownHosts::KnownHosts(const std::vector<std::string>& files, const std::string& host, int port) {
  const std::string name = name_of(host, port);
  for (const std::string& file : files) {
    std::ifstream lines(file);
    int number = 0;
    for (std::string line; std::getline(lines, line);) take_line(line, name, file + ':' + std::to_string(++number));
  }
}

// "[@MARKER] PATTERNS TYPE KEY [COMMENT]"
void KnownHosts::take_line(std::string line, const std::string& host, const std::string& where) {
  std::istringstream words(line);
  std::string patterns, type, key_text;
  words >> patterns;
  if (patterns.empty() || patterns.starts_with('#') || patterns == "@cert-authority") return;
  const bool is_revoked = patterns == "@revoked";
  if (is_revoked) words >> patterns;
  words >> type >> key_text;
  Key key;
  const int result = parse(host, patterns + ' ' + type + ' ' + key_text, key);
  if (result == SSH_AGAIN) return;
  if (result != SSH_OK) {
    unreadable_ += (unreadable_.empty() ? "" : ", ") + where;
  } else if (is_revoked) {
    revoked_.push_back(std::move(key));
  } else if (!is_excluded(host, patterns, type + ' ' + key_text)) {
    keys_.push_back(std::move(key));
    lines_ += "* " + type + ' ' + key_text + '\n';
  }
}

KnownHosts::Verdict KnownHosts::verdict(ssh_key presented) const {
  if (has(revoked_, presented)) return Verdict::revoked;
  if (has(keys_, presented)) return Verdict::known;
  if (keys_.empty()) return Verdict::unknown;
  const auto type = ::ssh_key_type(presented);
  const bool is_changed =
      std::any_of(keys_.begin(), keys_.end(), [&](const Key& known) { return ::ssh_key_type(known.get()) == type; });
  return is_changed ? Verdict::changed : Verdict::other_type;
}

cohort::FileDescriptor KnownHosts::write_for_libssh(std::string& path) const {
  cohort::FileDescriptor file(::memfd_create("known_hosts", MFD_CLOEXEC));
  if (!file || ::write(file.get(), lines_.data(), lines_.size()) != static_cast<ssize_t>(lines_.size()))
    throw cohort::Error("no memory for the known hosts");
  path = "/proc/self/fd/" + std::to_string(file.get());
  return file;
}

}  // namespace cohort_ssh
