#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <cohort/batch/command.hpp>

namespace cohort::batch {

/// When a submission is tried again: with pauses that double, and vary by a fifth.
struct RetryLimits {
  int attempts = 5;
  cohort::Duration first_pause = std::chrono::seconds(1);
};

/// Runs the command that submits, again if the scheduler was too busy to take the job, and says so on standard error.
/// A job that the scheduler refuses, for its partition or its size, is not submitted again. Nor is one after a command
/// that was ended because it took too long. Blocks for half a minute beside the commands themselves, at most.
/// @param find is called when a command has failed although the job may have been accepted. It returns what the command
/// would have printed of that; empty: the job is not found.
/// @return what it printed. @throws CommandError.
std::string run_submission(const Command& command, const std::function<std::string()>& find, RetryLimits limits = {});

/// Whether the scheduler says that it could not be asked, and not that it does not want the job.
bool is_for_a_while(const std::string& message);

/// Whether the answer of the scheduler was lost, and not the question: the job may have been accepted.
bool may_be_accepted(const CommandError& error);

}  // namespace cohort::batch
