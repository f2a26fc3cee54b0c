#include "client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <cohort/file_descriptor.hpp>

#include "protocol.hpp"
#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

int fail(const std::string& message) {
  write_all(STDERR_FILENO, message + '\n');
  return 1;
}

FileDescriptor connected_to(const std::string& path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return {};
  return socket;
}

/// One command from its request to its end.
class Client {
 public:
  explicit Client(int socket) : socket_(socket) {}

  int run() {
    for (;;) {
      std::array<pollfd, 3> wanted{
          {{socket_, POLLIN, 0}, {sends_input_ ? STDIN_FILENO : -1, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
      if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return fail(std::strerror(errno));
      if (wanted[1].revents != 0) send_input();
      if (wanted[2].revents != 0) take_signal();
      if (wanted[0].revents != 0 && !read_some()) return fail("the fake scheduler has ended");
      while (const auto frame = frames_.next())
        if (const auto status = take(frame->kind, frame->payload)) return *status;
    }
  }

 private:
  bool read_some() {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(socket_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) return false;
    frames_.add({buffer.data(), static_cast<std::size_t>(n)});
    return !frames_.broken();
  }

  std::optional<int> take(Frame kind, const std::string& payload) {
    switch (kind) {
      case Frame::output:
        if (!write_all(STDOUT_FILENO, payload)) return 1;
        break;
      case Frame::error:
        write_all(STDERR_FILENO, payload);
        break;
      case Frame::want_input:
        sends_input_ = true;
        break;
      case Frame::attached:
        watch({SIGINT, SIGTERM, SIGHUP, SIGQUIT});
        break;
      case Frame::run:
        start(payload);
        break;
      case Frame::signal_command:
        if (child_ > 0) ::kill(child_, static_cast<int>(number(payload).value_or(SIGTERM)));
        break;
      case Frame::exit:
        return static_cast<int>(number(payload).value_or(1));
      default:
        break;
    }
    return std::nullopt;
  }

  void send_input() {
    std::array<char, 16384> buffer;
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return;
    sends_input_ = n > 0;
    if (n > 0)
      write_all(socket_, encode(Frame::input, {buffer.data(), static_cast<std::size_t>(n)}));
    else
      write_all(socket_, encode(Frame::input_end, ""));
  }

  void watch(std::initializer_list<int> numbers) {
    for (const int number : numbers) ::sigaddset(&watched_, number);
    ::sigprocmask(SIG_BLOCK, &watched_, nullptr);
    signals_.reset(::signalfd(-1, &watched_, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void take_signal() {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo != SIGCHLD) {
      write_all(socket_, encode(Frame::signal, std::to_string(info.ssi_signo)));
      return;
    }
    int status = 0;
    if (child_ <= 0 || ::waitpid(child_, &status, WNOHANG) != child_) return;
    child_ = -1;
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    write_all(socket_, encode(Frame::command_ended, std::to_string(code)));
  }

  // As salloc does: the command runs here, as a child of this process.
  void start(const std::string& payload) {
    const auto texts = decode_list(payload).value_or(std::vector<std::string>{});
    const auto count = texts.empty() ? 0 : static_cast<std::size_t>(number(texts[0]).value_or(0));
    std::vector<char*> words, environment;
    for (std::size_t i = 1; i < texts.size(); i++)
      (i <= count ? words : environment).push_back(const_cast<char*>(texts[i].c_str()));
    words.push_back(nullptr);
    environment.push_back(nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    watch({SIGCHLD});
    const int error = ::posix_spawnp(&child_, words[0], nullptr, &attributes, words.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    if (error == 0) return;
    child_ = -1;
    fail(std::string("Unable to exec command \"") + (words[0] == nullptr ? "" : words[0]) + "\"");
    write_all(socket_, encode(Frame::command_ended, "2"));
  }

  const int socket_;
  FrameReader frames_;
  bool sends_input_ = false;
  sigset_t watched_ = [] {
    sigset_t none;
    ::sigemptyset(&none);
    return none;
  }();
  FileDescriptor signals_;
  pid_t child_ = -1;
};

}  // namespace

int run_client(const std::string& directory, const std::vector<std::string>& words) {
  ::signal(SIGPIPE, SIG_IGN);
  const FileDescriptor socket = connected_to(directory + "/socket");
  if (!socket) return fail(words[0] + ": there is no fake scheduler any more in " + directory);
  Request request;
  request.words = words;
  std::error_code error;
  request.dir = std::filesystem::current_path(error);
  for (char** entry = environ; *entry != nullptr; entry++) request.environment.emplace_back(*entry);
  request.umask = ::umask(077);
  ::umask(request.umask);
  const std::string bytes = encode(request);
  if (bytes.size() > FrameReader::largest) return fail(words[0] + ": Argument list too long");
  if (!write_all(socket.get(), bytes)) return fail("the fake scheduler has ended");
  return Client(socket.get()).run();
}

}  // namespace cohort::fake_scheduler
