#include "remote_host.hpp"

#include <sys/socket.h>

#include <chrono>

#include <cohort/error.hpp>

#include "exec_channel.hpp"
#include "forward_channel.hpp"

namespace cohort_ssh {
namespace {
constexpr std::chrono::seconds signal_limit(5);  // for a shell of the machine to start and send one
}

cohort::FileDescriptor open_tunnel(SessionThread& session, const std::string& host, int port,
                                   cohort::Clock::time_point deadline) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    throw cohort::Error("no descriptors for a tunnel");
  cohort::FileDescriptor near(ends[0]);
  const auto forward = std::make_shared<ForwardChannel>(host, port, cohort::FileDescriptor(ends[1]));
  session.add(forward);
  const std::string problem = forward->wait_until_open(deadline);
  if (!problem.empty())
    throw cohort::Error("the ssh server does not connect us to " + host + " port " + std::to_string(port) + ": " +
                        problem);
  return near;
}

RemoteWorker& RemoteHost::start(const RemoteProgram& program, const std::string& cookie) {
  worker_ = std::make_shared<RemoteWorker>(program, cookie);
  session_->add(worker_);
  return *worker_;
}

bool RemoteHost::signal(const std::string& name) {
  if (worker_ == nullptr || worker_->has_ended()) return true;
  return signal(worker_->launched().pid, name);  // sshd made a group for it
}

bool RemoteHost::signal(int pid, const std::string& name) {
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (unanswered_ != nullptr && !unanswered_->has_ended()) return false;
  }
  const auto command =
      std::make_shared<Command>("exec /bin/sh -c 'kill -s " + name + " -- -" + std::to_string(pid) + "'", "");
  session_->add(command);
  if (command->wait_until(cohort::deadline_after(signal_limit))) return true;
  const cohort::detail::MutexLock lock(mutex_);
  unanswered_ = command;
  return false;
}

void RemoteHost::terminate(cohort::Duration term, cohort::Duration kill) {
  if (worker_ == nullptr || worker_->launched().pid == 0) return;  // what did not get that far ends with the session
  if (!signal("TERM")) return;  // a machine that does not answer will not do so later
  if (worker_->wait_until(cohort::deadline_after(term))) return;
  if (signal("KILL")) worker_->wait_until(cohort::deadline_after(kill));
}

}  // namespace cohort_ssh
