#include "remote_host.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include <cohort/error.hpp>

#include "command.hpp"
#include "forward_channel.hpp"

namespace cohort_ssh {
namespace {
// For a shell of the machine to start and send one.
constexpr cohort::Duration shortest_signal_limit = std::chrono::seconds(1), signal_limit = std::chrono::seconds(5);

// Who has less time for a worker to end wants to know sooner that its machine does not answer.
cohort::Duration limit_with(cohort::Duration grace) { return std::clamp(grace, shortest_signal_limit, signal_limit); }
}  // namespace

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

bool RemoteHost::signal(const std::string& name) { return signal_worker(name, signal_limit); }

bool RemoteHost::signal(int pid, const std::string& name) { return signal_group(pid, name, signal_limit); }

bool RemoteHost::signal_worker(const std::string& name, cohort::Duration limit) {
  if (worker_ == nullptr || worker_->has_ended()) return true;
  const int pid = worker_->launched().pid;
  return pid == 0 || signal_group(pid, name, limit);  // sshd made a group for it
}

bool RemoteHost::signal_group(int pid, const std::string& name, cohort::Duration limit) {
  const auto command =
      std::make_shared<Command>("exec /bin/sh -c 'kill -s " + name + " -- -" + std::to_string(pid) + "'", "");
  session_->add(command);
  return command->wait_until(cohort::deadline_after(limit)).has_value();
}

void RemoteHost::terminate(cohort::Duration term, cohort::Duration kill) {
  if (worker_ == nullptr || is_silent_) return;  // a machine that does not answer will not do so later
  is_silent_ = !signal_worker("TERM", limit_with(term));
  if (is_silent_ || worker_->wait_until(cohort::deadline_after(term))) return;
  if (signal_worker("KILL", limit_with(kill))) worker_->wait_until(cohort::deadline_after(kill));
}

}  // namespace cohort_ssh
