#include "remote_worker.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>

#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {

constexpr std::chrono::seconds last_output_limit(1);
constexpr std::size_t kept_lines = 10, longest_kept_line = 1000;
constexpr std::size_t most_early_output = 16 * 1024;  // of both: a pipe of Linux holds 64 KiB
constexpr std::size_t shown_of_secret = 32;           // a longer one is known by its beginning
constexpr std::string_view announcement = "cohort_worker:";

// No profile prints it by chance.
std::string make_mark() {
  std::random_device random;
  return "cohort-ssh-" + std::to_string(random()) + std::to_string(random());
}

}  // namespace

RemoteWorker::RemoteWorker(const RemoteProgram& program, const std::string& cookie)
    : RemoteWorker(program, cookie, make_mark()) {}

RemoteWorker::RemoteWorker(const RemoteProgram& program, const std::string& cookie, const std::string& mark)
    : ExecChannel(launch_command(program.shell, mark + "-ready"), launch_script(program, mark) + cookie + '\n'),
      ready_(mark + "-ready"),
      mark_(mark),
      secret_(cookie.substr(0, shown_of_secret)),
      out_(make_pipe()),
      err_(make_pipe()) {
  hold_input();
}

RemoteWorker::Pipe RemoteWorker::make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw cohort::Error("no descriptors for a pipe");
  Pipe pipe{cohort::FileDescriptor(ends[0]), cohort::FileDescriptor(ends[1])};
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  return pipe;
}

bool RemoteWorker::wait_announced(const Patience& patience) {
  cohort::detail::MutexLock lock(mutex_);
  announced_or_ended_.wait_until(mutex_, patience.stop(), patience.deadline(),
                                 [this]() COHORT_REQUIRES(mutex_) { return announced_ || has_ended(); });
  // How it ended may be told before what it had printed. Whom it left behind may hold its outputs open.
  if (has_ended()) {
    announced_or_ended_.wait_for(mutex_, last_output_limit,
                                 [this]() COHORT_REQUIRES(mutex_) { return announced_ || outputs_over_; });
  }
  return announced_;
}

Launched RemoteWorker::launched() {
  const cohort::detail::MutexLock lock(mutex_);
  return launched_;
}

std::string RemoteWorker::last_lines() {
  const cohort::detail::MutexLock lock(mutex_);
  std::string text;
  for (const auto& line : lines_) text += "\n    " + line;
  return text;
}

std::size_t RemoteWorker::take_output(bool is_stderr, std::span<const char> bytes) {
  if (passes_on_) return write_to(is_stderr ? err_ : out_, bytes);
  std::string& line = line_[is_stderr ? 1 : 0];
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\n') {
      if (line.size() < longest_kept_line) line += bytes[i];
      continue;
    }
    if (!is_stderr && is_started_ && line.find(announcement) != line.npos) {
      line += '\n';
      announce(line);
      return i + 1;
    }
    is_stderr ? keep(line, err_) : take_line(line);
    line.clear();
  }
  return bytes.size();
}

// From now on all goes by the pipes, which have room: nothing was put in but the few lines of keep().
void RemoteWorker::announce(const std::string& line) {
  write_to(out_, line);
  write_to(err_, line_[1]);
  passes_on_ = true;
  {
    const cohort::detail::MutexLock lock(mutex_);
    announced_ = true;
  }
  announced_or_ended_.notify_all();
}

void RemoteWorker::take_line(const std::string& line) {
  if (line == ready_) return let_input_go();
  if (const auto launched = parse_launched(line, mark_)) {
    is_started_ = true;
    const cohort::detail::MutexLock lock(mutex_);
    launched_ = *launched;
    return;
  }
  keep(line, out_);
}

// For an error that may come; and for the core, if the program itself printed it.
void RemoteWorker::keep(const std::string& said, Pipe& pipe) {
  if (said.find_first_not_of(" \t\r") == said.npos) return;
  // A program that is no worker may print what it reads.
  const bool is_secret = !secret_.empty() && said.find(secret_) != said.npos;
  const std::string line = is_secret ? "(a line with the secret of the cluster)" : said;
  const cohort::detail::MutexLock lock(mutex_);
  lines_.push_back(line);
  if (lines_.size() > kept_lines) lines_.pop_front();
  if (launched_.pid == 0 || passed_on_early_ + line.size() > most_early_output) return;
  passed_on_early_ += line.size() + 1;
  write_to(pipe, line + '\n');
}

void RemoteWorker::ended(const End&) {
  { const cohort::detail::MutexLock no_waiter_is_between_its_look_and_its_wait(mutex_); }
  announced_or_ended_.notify_all();
}

std::size_t RemoteWorker::write_to(Pipe& pipe, std::span<const char> bytes) {
  const ssize_t written = ::write(pipe.far.get(), bytes.data(), bytes.size());
  pipe.is_full = written < 0 && (errno == EAGAIN || errno == EINTR);
  if (pipe.is_full) return 0;
  return written < 0 ? bytes.size() : static_cast<std::size_t>(written);  // nobody reads it: the worker may go on
}

bool RemoteWorker::has_room(bool is_stderr) const { return !(is_stderr ? err_ : out_).is_full; }

void RemoteWorker::add_to(std::vector<pollfd>& polled) const {
  for (const Pipe* pipe : {&out_, &err_})
    if (pipe->is_full && pipe->far) polled.push_back({pipe->far.get(), POLLOUT, 0});
}

void RemoteWorker::output_ended() {
  for (std::string* line : {&line_[0], &line_[1]}) {
    if (!line->empty() && !passes_on_) keep(*line, line == &line_[0] ? out_ : err_);
    line->clear();
  }
  out_.far.reset();
  err_.far.reset();
  {
    const cohort::detail::MutexLock lock(mutex_);
    outputs_over_ = true;
  }
  announced_or_ended_.notify_all();
}

}  // namespace cohort_ssh
