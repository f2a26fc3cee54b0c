#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

#include "batch/cluster_record.hpp"

namespace cohort::cli {

/// A file among the records of clusters, see cohort_batch::records_directory().
struct FoundRecord {
  enum class State {
    held,     ///< the cluster exists
    left,     ///< the cluster has ended, and has not removed its record
    refused,  ///< not such a record as this user's clusters write, or it cannot be read
  };

  std::filesystem::path path;
  State state = State::refused;
  std::string problem;                 ///< why it is refused
  cohort_batch::ClusterRecord record;  ///< if it is left
  FileDescriptor lock;                 ///< if it is left: nobody else removes it meanwhile
};

/// All of this user's records, by name. @throws Error if others can write to their directory.
std::vector<FoundRecord> find_records();

}  // namespace cohort::cli
