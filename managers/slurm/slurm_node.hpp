#pragma once

#include <string>
#include <string_view>

namespace cohort_slurm {

/// What is wrong with the node of a worker: "its node n2 is down (Not responding)". Asks Slurm, which knows of a dead
/// node only after minutes, and then the node itself, by a step that does nothing. Empty: the node answers, or it is
/// not known which one it is. Blocks for three seconds at most.
/// @param output what the job has printed. @param job of the worker.
std::string trouble_of_node(std::string_view output, const std::string& job, int ospid);

/// How sinfo is asked, so that trouble_by_state() understands it.
inline constexpr const char* node_format = "--format=%T|%E";
/// What its answer says against a node: "down*|Not responding", where the star marks a node that does not answer.
std::string trouble_by_state(const std::string& node, std::string_view text);

}  // namespace cohort_slurm
