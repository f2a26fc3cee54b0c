#include "passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <string_view>

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

}  // namespace

bool has_terminal() { return ::isatty(STDIN_FILENO) == 1; }

std::optional<std::string> ask_at_terminal(const std::string& question, const Patience& patience) {
  const cohort::FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) return std::nullopt;
  const HiddenInput hidden(terminal.get());
  show(terminal.get(), question);
  auto answer = read_answer(terminal.get(), patience);
  show(terminal.get(), "\n");
  return answer;
}

}  // namespace cohort_ssh
