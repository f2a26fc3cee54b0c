// cohort-fake-scheduler: what `cohort fake-scheduler` becomes, and what the commands in its bin/ are.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "guard.hpp"
#include "server.hpp"
#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

constexpr Milliseconds longest_end{5000};  // of jobs, after SIGKILL

void print(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// The scheduler from its beginning to its end.
class Program {
 public:
  explicit Program(Settings settings)
      : command_(settings.command),
        dialect_(make_dialect(settings.dialect)),
        directory_(*dialect_),
        guard_(directory_.path()),
        scheduler_(&loop_, std::move(settings), *dialect_, directory_.path()),
        server_(&loop_, directory_.path(), *dialect_, scheduler_) {}

  int run() {
    // What the processes of jobs leave behind comes to this process.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const char* path = std::getenv("PATH");
    const std::string commands = directory_.path() + "/bin";
    const std::string own_path = commands + ":" + (path == nullptr ? "/usr/bin:/bin" : path);
    ::setenv("PATH", own_path.c_str(), 1);
    ::setenv("COHORT_FAKE_SCHEDULER", directory_.path().c_str(), 1);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) watch(number);
    if (command_.empty()) {
      print(STDOUT_FILENO, "export PATH=" + commands + ":$PATH COHORT_FAKE_SCHEDULER=" + directory_.path() + "\n");
      watch_input();
    } else {
      start_command();
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    return code_;
  }

 private:
  // Made before all that uses it, and gone after.
  struct Loop : uv_loop_t {
    Loop() { uv_loop_init(this); }
    ~Loop() {
      uv_run(this, UV_RUN_DEFAULT);  // what was closed is deleted
      uv_loop_close(this);
    }
  };

  void end() {
    scheduler_.shut_down([this] { uv_stop(&loop_); });
    // What cannot be ended, as a process that the kernel holds, is left to the guard.
    scheduler_.timers().after(scheduler_.settings().kill_grace + longest_end, [this] { uv_stop(&loop_); });
  }

  void watch(int number) {
    auto* signal = new uv_signal_t;
    uv_signal_init(&loop_, signal);
    signal->data = this;
    handles_.push_back(reinterpret_cast<uv_handle_t*>(signal));
    uv_signal_start(
        signal, [](uv_signal_t* handle, int taken) { static_cast<Program*>(handle->data)->take_signal(taken); },
        number);
  }

  void take_signal(int number) {
    if (command_.empty()) return end();
    // A terminal has sent it to the command, too.
    if (child_ > 0 && (number != SIGINT || ::isatty(STDIN_FILENO) == 0)) ::kill(child_, number);
  }

  void watch_input() {
    auto* input = new uv_poll_t;
    if (uv_poll_init(&loop_, input, STDIN_FILENO) != 0) {  // a file: it ends at once
      delete input;
      return end();
    }
    input->data = this;
    handles_.push_back(reinterpret_cast<uv_handle_t*>(input));
    uv_poll_start(input, UV_READABLE, [](uv_poll_t* handle, int, int) {
      std::array<char, 4096> ignored;
      const ssize_t n = ::read(STDIN_FILENO, ignored.data(), ignored.size());
      if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN))) return;
      uv_poll_stop(handle);
      static_cast<Program*>(handle->data)->end();
    });
  }

  void start_command() {
    std::vector<char*> words;
    for (const auto& word : command_) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int error = ::posix_spawnp(&child_, words[0], nullptr, nullptr, words.data(), environ);
    if (error != 0) {
      print(STDERR_FILENO, "cohort: cannot run '" + command_[0] + "': " + uv_strerror(-error) + "\n");
      code_ = error == ENOENT ? 127 : 126;
      child_ = -1;
      return end();
    }
    scheduler_.children().watch(child_, [this](int status) {
      child_ = -1;
      code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      end();
    });
  }

 public:
  ~Program() {
    for (uv_handle_t* handle : handles_)
      uv_close(handle, [](uv_handle_t* closed) {
        if (closed->type == UV_SIGNAL)
          delete reinterpret_cast<uv_signal_t*>(closed);
        else
          delete reinterpret_cast<uv_poll_t*>(closed);
      });
  }

 private:
  const std::vector<std::string> command_;
  const std::unique_ptr<Dialect> dialect_;
  const Directory directory_;
  const Guard guard_;
  Loop loop_;
  Scheduler scheduler_;
  Server server_;
  std::vector<uv_handle_t*> handles_;
  pid_t child_ = -1;
  int code_ = 0;
};

int fail(const std::string& message) {
  print(STDERR_FILENO, "cohort: " + message + "\n");
  return 1;
}

int run(const std::vector<std::string>& words) {
  constexpr std::string_view client = "--client=";
  if (words.size() > 1 && words[0].starts_with(client))
    return run_client(words[0].substr(client.size()), {words.begin() + 1, words.end()});
  Settings settings;
  for (std::size_t i = 0; i < words.size(); i++) {
    const std::string& word = words[i];
    if (word == "--") {
      settings.command.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    const auto equals = word.find('=');
    if (!word.starts_with("--") || equals == word.npos ||
        !settings.set(word.substr(2, equals - 2), word.substr(equals + 1)))
      return fail("this program is for 'cohort fake-scheduler', and does not know " + word);
  }
  if (make_dialect(settings.dialect) == nullptr) return fail("there is no dialect '" + settings.dialect + "'");
  return Program(std::move(settings)).run();
}

}  // namespace
}  // namespace cohort::fake_scheduler

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return cohort::fake_scheduler::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    return cohort::fake_scheduler::fail(error.what());
  }
}
