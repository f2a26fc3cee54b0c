#include "exec_channel.hpp"

#include <signal.h>

#include <array>
#include <string_view>
#include <utility>

#include "libssh_handles.hpp"

namespace cohort_ssh {
namespace {

// As ssh names them (RFC 4254, 6.10). 0: another one.
int signal_number(std::string_view name) {
  static constexpr std::pair<std::string_view, int> signals[] = {
      {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
      {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
      {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
  for (const auto& [known, number] : signals)
    if (known == name) return number;
  return 0;
}

}  // namespace

std::string ExecChannel::End::text() const {
  if (!status) return problem;
  return status->exited || status->signal != 0 ? status->text() : "killed by a signal";
}

bool ExecChannel::step(ssh_session session) {
  switch (stage_) {
    case Stage::open_channel:
      return open(session);
    case Stage::request:
      return request(session);
    case Stage::write_input:
      return write_input();
    case Stage::run: {
      const bool out = read(false), err = read(true);
      if (out || err) return true;
      const bool all_read = unread_[0].empty() && unread_[1].empty();
      if (all_read && (::ssh_channel_is_closed(channel_) || ::ssh_channel_is_eof(channel_))) {
        output_ended();
        if (!::ssh_channel_is_closed(channel_)) return false;  // its status comes yet
        if (!::ssh_is_connected(session)) return false;        // release() will say why
        end({std::nullopt, "ended, and the server did not say how"});
        stage_ = Stage::over;
        return true;
      }
      return false;
    }
    case Stage::over:
      break;
  }
  return false;
}

bool ExecChannel::open(ssh_session session) {
  if (channel_ == nullptr) {
    channel_ = ::ssh_channel_new(session);
    if (channel_ == nullptr) return fail(error_of(session)), true;
    callbacks_.userdata = this;
    callbacks_.channel_exit_status_function = [](ssh_session, ssh_channel, int status, void* self) {
      static_cast<ExecChannel*>(self)->end({cohort::ExitStatus{true, status, 0}, ""});
    };
    callbacks_.channel_exit_signal_function = [](ssh_session, ssh_channel, const char* name, int, const char*,
                                                 const char*, void* self) {
      static_cast<ExecChannel*>(self)->end({cohort::ExitStatus{false, 0, signal_number(name)}, ""});
    };
    ssh_callbacks_init(&callbacks_);
    ::ssh_set_channel_callbacks(channel_, &callbacks_);
  }
  const int result = ::ssh_channel_open_session(channel_);
  if (result == SSH_AGAIN) return false;
  if (result != SSH_OK)
    fail("the server refuses another session (its MaxSessions?): " + error_of(session));
  else
    stage_ = Stage::request;
  return true;
}

bool ExecChannel::request(ssh_session session) {
  const int result = ::ssh_channel_request_exec(channel_, command_.c_str());
  if (result == SSH_AGAIN) return false;
  if (result != SSH_OK)
    fail("the server does not run commands: " + error_of(session));
  else
    stage_ = Stage::write_input;
  return true;
}

// What it prints decides when it gets its input. If it ends before, it gets none.
bool ExecChannel::wait_to_write() {
  const bool out = read(false), err = read(true);
  if (out || err || !input_is_held_) return true;
  if (!::ssh_channel_is_closed(channel_) && !::ssh_channel_is_eof(channel_)) return false;
  stage_ = Stage::run;
  return true;
}

bool ExecChannel::write_input() {
  if (input_is_held_) return wait_to_write();
  if (!input_.empty()) {
    const int written = ::ssh_channel_write(channel_, input_.data(), static_cast<std::uint32_t>(input_.size()));
    if (written == 0 || written == SSH_AGAIN) {
      const bool out = read(false), err = read(true);
      return out || err;
    }
    // A command that ends without reading is told by its end and by what it printed.
    input_.erase(0, written < 0 ? input_.npos : static_cast<std::size_t>(written));
    if (!input_.empty()) return true;
  }
  ::ssh_channel_send_eof(channel_);
  stage_ = Stage::run;
  return true;
}

bool ExecChannel::read(bool is_stderr) {
  std::string& unread = unread_[is_stderr ? 1 : 0];
  bool progress = false;
  if (unread.empty() && has_room(is_stderr)) {
    std::array<char, 1 << 15> buffer;
    const int count = ::ssh_channel_read_nonblocking(channel_, buffer.data(), buffer.size(), is_stderr ? 1 : 0);
    if (count <= 0) return false;
    unread.assign(buffer.data(), static_cast<std::size_t>(count));
    progress = true;
  }
  if (!unread.empty()) {
    const std::size_t taken = take_output(is_stderr, unread);
    unread.erase(0, taken);
    progress |= taken > 0;
  }
  return progress;
}

void ExecChannel::fail(const std::string& what) {
  output_ended();
  end({std::nullopt, what});
  stage_ = Stage::over;
}

void ExecChannel::end(const End& how) {
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (end_) return;
    end_ = how;
  }
  changed_.notify_all();
  ended(how);
}

std::optional<ExecChannel::End> ExecChannel::wait_until(cohort::Clock::time_point deadline) {
  cohort::detail::MutexLock lock(mutex_);
  while (!end_ && cohort::Clock::now() < deadline) changed_.wait_until(mutex_, deadline);
  return end_;
}

bool ExecChannel::has_ended() {
  const cohort::detail::MutexLock lock(mutex_);
  return end_.has_value();
}

void ExecChannel::release(const std::string& reason) {
  // sshd leaves alone what it started, even a profile that waits for ever. It obeys for what was no forced command.
  if (channel_ != nullptr && !has_ended() && ::ssh_channel_is_open(channel_))
    ::ssh_channel_request_send_signal(channel_, "KILL");
  if (stage_ != Stage::over) fail(reason);
  if (channel_ != nullptr) ::ssh_channel_free(std::exchange(channel_, nullptr));
}

}  // namespace cohort_ssh
