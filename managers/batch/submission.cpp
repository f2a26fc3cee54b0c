#include "submission.hpp"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <thread>

#include <cohort/detail/text.hpp>

#include "jitter.hpp"
#include "notice.hpp"

namespace cohort::batch {
namespace {

std::string in_seconds(cohort::Duration duration) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count() / 100;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

bool has_one_of(const std::string& message, std::span<const std::string_view> signs) {
  std::string small = message;
  std::transform(small.begin(), small.end(), small.begin(), cohort::detail::to_lower);
  return std::ranges::any_of(signs, [&](std::string_view sign) { return small.find(sign) != small.npos; });
}

}  // namespace

// The words of Slurm, Grid Engine, PBS, LSF and HTCondor, and of the C library under them, for a server that is away,
// slow or busy.
bool is_for_a_while(const std::string& message) {
  constexpr std::string_view signs[] = {
      "timed out",
      "time out",
      "connection refused",
      "connection reset",
      "unable to contact",
      "unable to connect",
      "cannot connect",
      "can't connect",
      "could not connect",
      "failed to connect",
      "cannot contact",
      "error connecting",
      "communication failure",
      "communication error",
      "unable to send",
      "unable to communicate",
      "end of file",
      "try again",
      "try later",
      "temporarily unable",
      "temporarily unavailable",
      "not responding",
      "server is busy",
      "is not responding",
      "please wait",
      "failed receiving gdi request",
  };
  return has_one_of(message, signs);
}

// "Socket timed out on send/recv operation": the question may have been read. "Connection timed out" is for one that
// was not sent, but the words of schedulers do not tell them apart.
bool may_be_accepted(const CommandError& error) {
  constexpr std::string_view signs[] = {
      "timed out",           "time out",    "connection reset", "communication failure",
      "communication error", "end of file", "failed receiving", "send/recv",
  };
  if (error.kind() == cohort::ErrorKind::overloaded) return true;  // it did not end
  return error.kind() == cohort::ErrorKind::failed && has_one_of(error.printed(), signs);
}

std::string run_submission(const Command& command, const std::function<std::string()>& find, RetryLimits limits) {
  cohort::Duration pause = limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    try {
      return run(command);
    } catch (const CommandError& error) {
      if (may_be_accepted(error)) {
        if (std::string found = find(); !found.empty()) {
          say(std::string(error.what()) + "; the scheduler has taken the job all the same");
          return found;
        }
      }
      if (attempt == limits.attempts || error.kind() != cohort::ErrorKind::failed || !is_for_a_while(error.printed()))
        throw;
      const auto wait = with_jitter(pause);
      say(std::string(error.what()) + "; trying again in " + in_seconds(wait));
      std::this_thread::sleep_for(wait);
      pause *= 2;
    }
  }
}

}  // namespace cohort::batch
