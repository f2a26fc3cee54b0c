#include "identities.hpp"

#include <pwd.h>
#include <strings.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace cohort_ssh {
namespace {

constexpr int passphrase_tries = 3;

// libssh's callback for keys that have a passphrase.
struct Question {
  std::string file;
  bool asked = false;
};

int ask_for_passphrase(const char*, char* buffer, size_t size, int, int, void* data) {
  auto& question = *static_cast<Question*>(data);
  question.asked = true;
  if (!::isatty(STDIN_FILENO)) return -1;
  const std::string prompt = "Passphrase for " + question.file + ": ";
  return ::ssh_getpass(prompt.c_str(), buffer, size, 0, 0);
}

Key read_key(const std::string& file, std::string& problem) {
  if (!std::ifstream(file)) {
    problem = file + ": " + std::strerror(errno);
    return nullptr;
  }
  Question question{file};
  for (int i = 0; i < passphrase_tries; ++i) {
    ssh_key key = nullptr;
    if (::ssh_pki_import_privkey_file(file.c_str(), nullptr, ask_for_passphrase, &question, &key) == SSH_OK)
      return Key(key);
    if (!question.asked || !::isatty(STDIN_FILENO)) break;
  }
  if (!question.asked)
    problem = file + " holds no private key that can be read";
  else if (::isatty(STDIN_FILENO))
    problem = file + ": wrong passphrase";
  else
    problem =
        file + " has a passphrase, and there is no terminal to ask for it; give the key to an agent: ssh-add " + file;
  return nullptr;
}

}  // namespace

std::string expand_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const char* home = std::getenv("HOME");
  const passwd* user = home == nullptr ? ::getpwuid(::getuid()) : nullptr;
  return (home != nullptr ? home : user != nullptr ? user->pw_dir : "") + path.substr(1);
}

Key Identities::load(const std::string& file, std::string& problem) {
  const std::lock_guard one_question_at_a_time(mutex_);
  auto found = loaded_.find(file);
  if (found == loaded_.end()) {
    Loaded loaded;
    loaded.key = read_key(file, loaded.problem);
    found = loaded_.emplace(file, std::move(loaded)).first;
  }
  problem = found->second.problem;
  return found->second.key == nullptr ? nullptr : Key(::ssh_key_dup(found->second.key.get()));
}

std::vector<std::string> Identities::default_files() {
  std::vector<std::string> files;
  for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
    const std::string file = expand_home(std::string("~/.ssh/") + name);
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) files.push_back(file);
  }
  return files;
}

}  // namespace cohort_ssh
