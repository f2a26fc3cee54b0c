#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

#include "batch/cluster_record.hpp"

namespace cohort::cli {

/// A file among the records of clusters, see cohort::batch::records_directory().
struct FoundRecord {
  enum class State {
    held,        ///< the cluster exists
    left,        ///< the cluster has ended, and has not removed its record
    unfinished,  ///< the cluster ended while it wrote its record, before it had anything else
    refused,     ///< not such a record as this user's clusters write, or it cannot be read
  };

  std::filesystem::path path;
  std::string name;  ///< of the cluster
  State state = State::refused;
  std::string problem;                  ///< why it is refused, or a record that is held has no name
  cohort::batch::ClusterRecord record;  ///< if it is left or held
  FileDescriptor lock;                  ///< if it is left or unfinished: nobody else removes it meanwhile
};

/// "cohort-0a1b2c3d4e (slurm, process 4711 on login1, begun 2026-11-30 14:02:11)".
std::string summary_of(const cohort::batch::ClusterRecord& record);

/// All of this user's records, by name. @throws Error if others can write to their directory.
std::vector<FoundRecord> find_records();

}  // namespace cohort::cli
