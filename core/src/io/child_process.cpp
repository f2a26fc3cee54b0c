#include <cohort/child_process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/process_settings.hpp"
#include "base/system_info.hpp"
#include "base/text.hpp"
#include "io/start_process.hpp"

namespace cohort {
namespace {

constexpr std::size_t input_limit = 64 * 1024;
constexpr int look_again = 10;  // milliseconds, where the end cannot be waited for: no pidfd, as in valgrind

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

// Pipe ends above the standard descriptors: where this process has one of those closed, a lower number would be
// overwritten while the child's are put in place.
FileDescriptor above_standard(int descriptor) {
  FileDescriptor owned(descriptor);
  if (descriptor > STDERR_FILENO) return owned;
  return FileDescriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw Error("cannot make a pipe: " + errno_text(errno), ErrorKind::overloaded);
  Pipe pipe{above_standard(ends[0]), above_standard(ends[1])};
  if (!pipe.read || !pipe.write) throw Error("cannot make a pipe: " + errno_text(errno), ErrorKind::overloaded);
  return pipe;
}

// A pipe that `input` can be written to without blocking.
Pipe make_pipe_for(const std::string& input) {
  if (input.size() > input_limit)
    throw Error(fmt::format("the input of a process may be {} bytes, not {}", input_limit, input.size()));
  Pipe pipe = make_pipe();
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  // A user with many pipes gets small ones, and may ask for more up to a limit.
  if (::fcntl(pipe.write.get(), F_GETPIPE_SZ) < static_cast<int>(input.size()))
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, static_cast<int>(input.size()));
  return pipe;
}

// Our read end is still open, so there is no SIGPIPE.
void write_input(const Pipe& pipe, const std::string& input) {
  if (::write(pipe.write.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    throw Error("no room in a pipe for the input of a process", ErrorKind::overloaded);
}

// This process's environment with the changes made; the pointers stay valid with this object.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::optional<std::string>>& changes) {
    for (const auto& [name, value] : changes) {
      if (name.empty() || name.find('=') != std::string::npos)
        throw Error(fmt::format("'{}' cannot be the name of an environment variable", excerpt(name)));
      if (value) added_.push_back(name + '=' + *value);
    }
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      if (!changes.contains(std::string(text.substr(0, text.find('='))))) entries_.push_back(*entry);
    }
    for (std::string& text : added_) entries_.push_back(text.data());
    entries_.push_back(nullptr);
  }
  char** data() { return entries_.data(); }

 private:
  std::vector<std::string> added_;
  std::vector<char*> entries_;
};

// There is one error number for everything that can fail: finds out what it was about.
[[noreturn]] void throw_cannot_start(const SpawnOptions& options, int error) {
  const std::string& program = options.command.front();
  struct stat info {};
  if (!options.dir.empty()) {
    const int dir_error = ::stat(options.dir.c_str(), &info) < 0    ? errno
                          : !S_ISDIR(info.st_mode)                  ? ENOTDIR
                          : ::access(options.dir.c_str(), X_OK) < 0 ? errno
                                                                    : 0;
    if (dir_error != 0)
      throw Error(fmt::format("cannot start '{}': working directory '{}': {}", excerpt(program), excerpt(options.dir),
                              errno_text(dir_error)));
  }
  const bool by_path = program.find('/') != std::string::npos;
  const std::string place =
      options.dir.empty() || program.starts_with('/') ? "" : fmt::format(" in '{}'", excerpt(options.dir));
  std::string cause = errno_text(error);
  if (error == ENOENT) {
    const std::string file = program.starts_with('/') || options.dir.empty() ? program : options.dir + '/' + program;
    if (!by_path) cause += " (not found in PATH)";
    if (by_path && ::stat(file.c_str(), &info) == 0)
      cause += " (the file is there, but its interpreter or loader is not)";
  }
  if (error == EAGAIN) cause += " (no more processes: see `ulimit -u`, and the limit of processes of a container)";
  const bool may_pass = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
  throw Error(fmt::format("cannot start '{}'{}: {}", excerpt(program), place, cause),
              may_pass ? ErrorKind::overloaded : ErrorKind::failed);
}

void bind_to_cpus(pid_t pid, const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) throw Error(fmt::format("there is no CPU {}", cpu));
    CPU_SET(cpu, &set);
  }
  if (::sched_setaffinity(pid, sizeof set, &set) < 0 && errno != ESRCH)
    throw Error(fmt::format("cannot bind a process to CPU {}: {}", fmt::join(cpus, ", "), errno_text(errno)));
}

}  // namespace

std::string ExitStatus::text() const {
  if (exited) return fmt::format("exited with code {}", code);
  if (signal == 0) return "ended with unknown status (this program ignores SIGCHLD, or took the status elsewhere)";
  const char* description = ::sigdescr_np(signal);
  return fmt::format("killed by signal {} ({})", signal, description != nullptr ? description : "real-time signal");
}

ChildProcess ChildProcess::spawn(const SpawnOptions& options) {
  if (options.command.empty()) throw Error("cannot start a process: no program given");
  if (options.command.front().empty()) throw Error("cannot start '': the program's name is empty");
  std::vector<char*> arguments;
  for (const std::string& argument : options.command) {
    if (argument.find('\0') != std::string::npos)
      throw Error(
          fmt::format("cannot start '{}': an argument has a zero byte", excerpt(options.command.front().c_str())));
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  Environment environment(options.env);

  Pipe in;
  Pipe out;
  Pipe err;
  if (!options.input.empty()) in = make_pipe_for(options.input);
  if (options.capture) {
    out = make_pipe();
    err = make_pipe();
  }
  ProcessImage image;
  // What is in its place may be another build, or half written.
  image.program = is_replaced_program(options.command.front()) ? "/proc/self/exe" : options.command.front().c_str();
  image.arguments = arguments.data();
  image.environment = environment.data();
  image.dir = options.dir.empty() ? nullptr : options.dir.c_str();
  image.standard[STDIN_FILENO] = in.read.get();
  image.standard[STDOUT_FILENO] = out.write.get();
  image.standard[STDERR_FILENO] = err.write.get();
  image.new_session = options.new_session;
  image.die_with_parent = options.die_with_parent;
  const auto descriptor_limit = descriptor_limit_for_programs();
  image.descriptor_limit = descriptor_limit ? &*descriptor_limit : nullptr;

  ChildProcess child;
  pid_t pid = -1;
  if (const int error = start_process(image, pid); error != 0) throw_cannot_start(options, error);
  child.pid_ = pid;
  child.leads_group_ = options.new_session;
  child.ends_group_ = options.new_session && options.end_with_children;
  child.out_ = std::move(out.read);
  child.err_ = std::move(err.read);
  child.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd_ && errno != ENOSYS) {
    const int pidfd_error = errno;
    child.end();
    throw Error(fmt::format("cannot watch '{}': {}", excerpt(options.command.front()), errno_text(pidfd_error)),
                ErrorKind::overloaded);
  }
  // Where these throw, `child` ends the process. What it does after reading its input is bound in any case.
  if (!options.cpus.empty()) bind_to_cpus(pid, options.cpus);
  if (!options.input.empty()) write_input(in, options.input);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  leads_group_ = other.leads_group_;
  ends_group_ = other.ends_group_;
  pidfd_ = std::move(other.pidfd_);
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  status_ = other.status_;
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() noexcept {
  if (pid_ < 0 || poll()) return;
  signal(SIGKILL);
  // At once, but for a process that hangs in the kernel, as on a dead file server.
  wait_until(Clock::now() + std::chrono::seconds(5));
}

// Without a pidfd the number may, once somebody else took the status, be that of another child.
int ChildProcess::look(siginfo_t& info, int options) const {
  const auto kind = pidfd_ ? static_cast<idtype_t>(P_PIDFD) : P_PID;
  const auto id = static_cast<id_t>(pidfd_ ? pidfd_.get() : pid_);
  int result;
  do {
    info.si_pid = 0;
    result = ::waitid(kind, id, &info, WEXITED | WNOHANG | options);
  } while (result < 0 && errno == EINTR);
  return result;
}

// While nobody reaped the process its number cannot belong to another one; hence WNOWAIT, which fails if someone did.
// A process that ended but was not reaped yet still names its group.
void ChildProcess::signal(int number) {
  siginfo_t info{};
  if (pid_ < 0 || status_ || look(info, WNOWAIT) < 0) return;
  ::kill(leads_group_ ? -pid_ : pid_, number);
}

std::optional<ExitStatus> ChildProcess::poll() {
  if (status_ || pid_ < 0) return status_;
  siginfo_t info{};
  if (ends_group_ && look(info, WNOWAIT) == 0 && info.si_pid == pid_) ::kill(-pid_, SIGKILL);
  if (look(info, 0) < 0) {
    status_ = ExitStatus{};  // ECHILD: someone else took it
  } else if (info.si_pid == pid_) {
    const bool exited = info.si_code == CLD_EXITED;
    status_ = ExitStatus{exited, exited ? info.si_status : 0, exited ? 0 : info.si_status};
  }
  return status_;
}

std::optional<ExitStatus> ChildProcess::wait_until(Clock::time_point deadline) {
  while (pid_ >= 0 && !poll()) {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    int timeout = poll_timeout(deadline);
    if (!pidfd_) timeout = std::min(timeout, look_again);
    if (::poll(&ended, 1, timeout) == 0 && timeout == 0) break;
  }
  return status_;
}

std::optional<ExitStatus> ChildProcess::terminate(Duration term, Duration kill) {
  signal(SIGTERM);
  if (wait_until(deadline_after(term))) return status_;
  signal(SIGKILL);
  return wait_until(deadline_after(kill));
}

}  // namespace cohort
