#pragma once

#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>

#include "examination.hpp"

namespace cohort::doctor {

/// The machines of the ssh managers in a cluster file. @param program what the workers run; empty: what the file says.
/// @throws ConfigError.
std::vector<Subject> subjects_of(const ClusterFile& file, const std::string& program);

}  // namespace cohort::doctor
