#pragma once

#include <memory>
#include <string>
#include <vector>

#include "call.hpp"
#include "scheduler.hpp"

namespace cohort::fake_scheduler {

/// What qrsh -inherit, pbsdsh and blaunch start within a job.
struct RemoteTasks {
  std::vector<std::string> command;
  std::vector<Place> places;
  std::vector<std::string> environment;
  /// More of it, for one task.
  std::function<std::vector<std::string>(int task, const Place& place, int task_on_host)> task_environment;
  bool has_input = false;
};

/// Runs them, and passes their output on. The call ends with them, with the worst of their exit codes.
void run_tasks(const std::shared_ptr<Call>& call, Scheduler& scheduler, Job& job, RemoteTasks tasks);

/// A spec with what the request alone says: directory, umask, user.
JobSpec spec_of(const Request& request);
/// Where a scheduler hands on nothing of the submitter's environment, only this is left.
std::vector<std::string> login_environment(const Request& request);
/// Sets "A=1,B" in an environment: B has the value that it has for the submitter.
void set_variables(std::vector<std::string>& environment, std::string_view list, const Request& request);

/// 0; 128 and the signal.
int shell_code(int wait_status);
/// Calls the function once, when the job has ended.
void when_ended(Scheduler& scheduler, const Job& job, std::function<void(const Job&)> ended);
/// "100M", "2gb", "3G", "1000": bytes. @param unit of a number alone.
std::optional<std::uint64_t> parse_memory(std::string_view text, std::uint64_t unit);
/// "90", "1:30:00", "10:00": seconds, if `unit` is of a number alone.
std::optional<Milliseconds> parse_clock(std::string_view text, Milliseconds unit);
/// The host name of this machine.
std::string host_name();
/// The text of a file; nullopt: it cannot be read.
std::optional<std::string> read_text(const std::string& path);
std::string home_of(const Request& request);

}  // namespace cohort::fake_scheduler
