#pragma once

#include <string>
#include <vector>

namespace cohort::cli {

/// Runs a program in place of this one. Only returns when it cannot be started, with a message.
/// @return the exit status that shells give for that.
int replace_process(const std::vector<std::string>& command);

/// Leaves a process behind that outlives the program which this process is about to become, and then says `message` on
/// standard error if no Session has read what was handed over: without a word `cohort run -p 4 hostname` would look as
/// if it had run on four workers. It is no child of the program, holds none of its descriptors but standard error, and
/// no signal of the terminal reaches it. Nothing is said where such a process cannot be made.
/// @param handover what is read: a Session leaves another offset there than it finds.
void watch_handover(int handover, const std::string& message);

/// The program could not be started, and that has been said: what watches is to be silent.
void forget_handover(int handover);

}  // namespace cohort::cli
