#include "job.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>
#include <cohort/detail/mutex.hpp>

#include "config/units.hpp"
#include "job_outputs.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto look_around = 50ms;  // how soon an interrupt or the end of a program with open pipes is noticed
constexpr std::size_t part_size = 256 * 1024;     // of output that the master keeps
constexpr std::size_t size_in_result = 4 * 1024;  // of each output: a small result comes without being fetched
constexpr auto term_grace = 500ms;  // from SIGTERM to SIGKILL; a worker itself has one second to obey an interrupt

/// One of the program's two outputs.
class Capture {
 public:
  Capture(int descriptor, bool is_stderr) : descriptor_(descriptor), is_stderr_(is_stderr) {}

  bool open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  /// Reads once. poll() said that this does not block.
  void read_some() {
    std::array<char, 65536> buffer;
    const ssize_t n = read(descriptor_, buffer.data(), buffer.size());
    if (n > 0) text_.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) descriptor_ = -1;
  }
  /// Sends the whole lines that are there, at the end also one that has no end, to the master.
  void stream(bool at_end) {
    // A line may be very long: what was looked through before is not again.
    const auto found = std::string_view(text_).substr(without_end_).rfind('\n');
    const auto end = at_end ? text_.size() : found == text_.npos ? 0 : without_end_ + found + 1;
    without_end_ = text_.size() - end;
    if (end == 0) return;
    Lines lines{myid(), is_stderr_, text_.substr(0, end)};
    text_.erase(0, end);
    if (lines.text.back() != '\n') lines.text += '\n';
    try {
      remotecall_fetch(fn<show_lines>, master_pid, lines);  // waits: a reader that is slow holds the program back
    } catch (const InterruptedException&) {
      // The lines were sent; the program is about to be ended in order.
    }
  }
  /// Sends what is there to the master when it is much, at the end also what is too much for the result.
  void hand_over(std::uint64_t job, bool at_end) {
    if (text_.size() < (at_end ? size_in_result : part_size)) return;
    try {
      remotecall_fetch(fn<keep_output>, master_pid, job, is_stderr_, text_);
    } catch (const InterruptedException&) {
      // It was sent; the program is about to be ended in order.
    }
    text_.clear();
  }
  std::string take() { return std::move(text_); }

 private:
  int descriptor_;  // the child's; -1: ended
  bool is_stderr_;
  std::string text_;
  std::size_t without_end_ = 0;  // so much of its beginning has no line end
};

/// Ends the program when it has to: SIGTERM, and SIGKILL a while later.
class Terminator {
 public:
  Terminator(ChildProcess& child, JobResult& result, Clock::time_point deadline)
      : child_(child), result_(result), deadline_(deadline) {}

  void look() {
    const auto now = Clock::now();
    if (kill_at_) {
      if (now >= *kill_at_) child_.signal(SIGKILL);
      return;
    }
    result_.interrupted = this_call().stop_requested();
    result_.timed_out = !result_.interrupted && now >= deadline_;
    if (!result_.interrupted && !result_.timed_out) return;
    child_.signal(SIGTERM);
    kill_at_ = now + term_grace;
  }
  Clock::time_point next_look() const { return std::min(Clock::now() + look_around, kill_at_ ? *kill_at_ : deadline_); }

 private:
  ChildProcess& child_;
  JobResult& result_;
  const Clock::time_point deadline_;
  std::optional<Clock::time_point> kill_at_;
};

/// Reads what is there. @return false: nothing came until `deadline`.
bool read_outputs(std::array<Capture, 2>& captures, Clock::time_point deadline) {
  std::array<pollfd, 2> wanted;
  for (std::size_t i = 0; i < 2; i++) wanted[i] = {captures[i].descriptor(), POLLIN, 0};  // poll ignores -1
  if (poll(wanted.data(), wanted.size(), poll_timeout(deadline)) <= 0) return false;
  for (std::size_t i = 0; i < 2; i++)
    if (wanted[i].revents != 0) captures[i].read_some();
  return true;
}

void pass_on(std::array<Capture, 2>& captures, const JobSpec& spec, bool at_end) {
  for (auto& capture : captures) {
    if (spec.stream)
      capture.stream(at_end);
    else if (spec.keep_for != 0)
      capture.hand_over(spec.keep_for, at_end);
  }
}

ExitStatus watch(ChildProcess& child, std::array<Capture, 2>& captures, Terminator& terminator, const JobSpec& spec) {
  for (;;) {
    const bool reading = captures[0].open() || captures[1].open();
    const auto status = reading ? (read_outputs(captures, terminator.next_look()), child.poll())
                                : child.wait_until(terminator.next_look());
    // What it started in the background may hold the pipes for long: what is there now is all that counts.
    while (status && (captures[0].open() || captures[1].open()) && read_outputs(captures, Clock::now()))
      pass_on(captures, spec, false);
    pass_on(captures, spec, status.has_value());
    if (status) return *status;
    terminator.look();
  }
}

LineStyle line_style;  // does not change while jobs run

}  // namespace

std::string describe_end(const JobResult& result, Duration timeout) {
  if (!result.error.empty()) return result.error;
  if (result.timed_out) return "timed out after " + detail::format_duration(timeout);
  if (result.interrupted) return "was interrupted";
  return ExitStatus{result.signal == 0, result.code, result.signal}.text();
}

JobResult run_job(const JobSpec& spec) {
  JobResult result;
  const auto start = Clock::now();
  std::optional<ChildProcess> child;
  try {
    SpawnOptions options;
    options.command = spec.command;
    options.die_with_parent = true;  // this thread waits for its end
    child = ChildProcess::spawn(options);
  } catch (const Error& error) {
    result.code = 127;
    result.error = error.what();
    return result;
  }
  std::array<Capture, 2> captures{Capture(child->out(), false), Capture(child->err(), true)};
  Terminator terminator(*child, result, deadline_after(spec.timeout > 0 ? Duration(spec.timeout) : never));
  const ExitStatus status = watch(*child, captures, terminator, spec);
  result.code = status.code;
  result.signal = status.signal;
  if (!status.exited && status.signal == 0) result.error = status.text();
  result.out = captures[0].take();
  result.err = captures[1].take();
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

void set_line_style(LineStyle style) { line_style = std::move(style); }

std::string worker_text(Pid worker, const std::map<Pid, std::string>& hosts) {
  const auto host = hosts.find(worker);
  return fmt::format("worker {}{}{}", worker, host == hosts.end() ? "" : " on ",
                     host == hosts.end() ? "" : host->second);
}

void show_lines(const Lines& lines) {
  static detail::Mutex mutex;  // one batch of lines at a time
  static bool lost COHORT_GUARDED_BY(mutex) = false;
  std::string text;
  const std::string prefix =
      line_style.prefix ? fmt::format("      From {}:\t", worker_text(lines.worker, line_style.hosts)) : "";
  for (std::size_t start = 0; start < lines.text.size();) {
    const auto end = lines.text.find('\n', start) + 1;
    text += prefix;
    text.append(lines.text, start, end - start);
    start = end;
  }
  const detail::MutexLock lock(mutex);
  if (lines.is_stderr) {
    write_all(STDERR_FILENO, text);
  } else if (!lost && !write_all(STDOUT_FILENO, text)) {
    lost = true;
    if (line_style.output_lost) line_style.output_lost(errno);
  }
}

}  // namespace cohort::cli
