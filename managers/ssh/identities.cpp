#include "identities.hpp"

#include <fcntl.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include <cohort/file_access.hpp>

namespace cohort_ssh {
namespace {

constexpr std::size_t longest_passphrase = 1000;

// A terminal that does not show what is typed, as long as this object lives.
class HiddenInput {
 public:
  explicit HiddenInput(int terminal) : terminal_(terminal) {
    ::tcgetattr(terminal, &before_);
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden.c_lflag |= ICANON | ISIG;
    ::tcsetattr(terminal, TCSAFLUSH, &hidden);  // what was typed before is no answer
  }
  ~HiddenInput() { ::tcsetattr(terminal_, TCSAFLUSH, &before_); }
  HiddenInput(const HiddenInput&) = delete;

 private:
  const int terminal_;
  termios before_{};
};

void show(int terminal, std::string_view text) {
  [[maybe_unused]] const auto written = ::write(terminal, text.data(), text.size());
}

// Up to the end of the line.
std::optional<std::string> read_answer(int terminal, const Patience& patience) {
  std::string answer;
  answer.reserve(longest_passphrase);  // so that there is but one copy of it
  for (char next = 0; patience.wait(terminal, POLLIN) && ::read(terminal, &next, 1) == 1;) {
    if (next == '\n') return answer;
    if (answer.size() < longest_passphrase) answer += next;
  }
  return std::nullopt;
}

/// Whether somebody can be asked: standard input is a terminal.
bool has_terminal() { return ::isatty(STDIN_FILENO) == 1; }

/// Asks at the terminal, without echo, independent of standard output.
/// @return nullopt if there was no answer while the patience lasted, or no answer at all (ctrl-D).
std::optional<std::string> ask_at_terminal(const std::string& question, const Patience& patience) {
  const cohort::FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return std::nullopt;
  const HiddenInput hidden(terminal.get());
  show(terminal.get(), question);
  auto answer = read_answer(terminal.get(), patience);
  show(terminal.get(), "\n");
  return answer;
}

constexpr int passphrase_tries = 3;

// What libssh's callback is to know, and what it found.
struct Question {
  const std::string& file;
  const Patience& patience;
  bool asked = false;
  bool answered = false;
};

int ask_for_passphrase(const char*, char* buffer, size_t size, int, int, void* data) {
  auto& question = *static_cast<Question*>(data);
  question.asked = true;
  question.answered = false;
  if (!has_terminal()) return -1;
  auto answer = ask_at_terminal("Passphrase for " + question.file + ": ", question.patience);
  if (!answer || answer->size() >= size) return -1;
  question.answered = true;
  answer->copy(buffer, answer->size());
  buffer[answer->size()] = '\0';
  ::explicit_bzero(answer->data(), answer->size());
  return 0;
}

Key read_key(const std::string& file, const Patience& patience, std::string& problem) {
  const cohort::FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  problem = opened ? cohort::why_not_private(opened.get(), file) : file + ": " + std::strerror(errno);
  if (!problem.empty()) return nullptr;
  Question question{file, patience};
  for (int i = 0; i < passphrase_tries; ++i) {
    ssh_key key = nullptr;
    if (::ssh_pki_import_privkey_file(file.c_str(), nullptr, ask_for_passphrase, &question, &key) == SSH_OK)
      return Key(key);
    if (!question.answered) break;
  }
  if (!question.asked)
    problem = file + " holds no private key that can be read";
  else if (!has_terminal())
    problem =
        file + " has a passphrase, and there is no terminal to ask for it; give the key to an agent: ssh-add " + file;
  else
    problem = file + (question.answered ? ": wrong passphrase" : " has a passphrase, which was not given");
  return nullptr;
}

}  // namespace

Key Identities::load(const std::string& file, const Patience& patience, std::string& problem) {
  const cohort::detail::MutexLock one_question_at_a_time(mutex_);
  auto found = loaded_.find(file);
  if (found == loaded_.end()) {
    Loaded loaded;
    loaded.key = read_key(file, patience, loaded.problem);
    found = loaded_.emplace(file, std::move(loaded)).first;
  }
  problem = found->second.problem;
  return found->second.key == nullptr ? nullptr : Key(::ssh_key_dup(found->second.key.get()));
}

std::vector<std::string> Identities::default_files() {
  std::vector<std::string> files;
  for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
    const std::string file = cohort::expand_home(std::string("~/.ssh/") + name);
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) files.push_back(file);
  }
  return files;
}

}  // namespace cohort_ssh
