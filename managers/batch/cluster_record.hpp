#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort::batch {

/// What must be known of a cluster to remove what is left of it after its host has failed.
struct ClusterRecord {
  std::string name;             ///< of its jobs
  std::string scheduler;        ///< Dialect::name; empty: it has no jobs, its workers are part of an allocation
  std::string host;             ///< on which the master runs
  int pid = 0;                  ///< of the master, on that host
  std::filesystem::path files;  ///< the directory of its files
  Time began = {};

  std::string text() const;
  /// The reverse of text(). @param where the name of the text in errors. @throws ConfigError if it is no record, or if
  /// `files` is not a directory that a BatchManager has made for this name.
  static ClusterRecord parse(const std::string& text, const std::string& where);
};

/// Whether a BatchManager can have given this name to its jobs: "cohort-" and ten hexadecimal digits.
bool is_cluster_name(std::string_view name);

/// Where the clusters of this user are recorded, each in a file of its name: cohort/jobs in $XDG_STATE_HOME or
/// ~/.local/state.
std::filesystem::path records_directory();
/// The record of the cluster whose jobs have this name.
std::filesystem::path record_path(const std::string& name);
/// Where a record is written before it has its own name. As long as it is there, the cluster has no jobs and no files.
std::filesystem::path unfinished_record(std::filesystem::path record);

/// The name of this host, as in records.
std::string this_host();

/// The record of a cluster of this process. As long as its file is locked, the cluster exists.
class HeldRecord {
 public:
  /// Writes the file. If that is not possible, prints why: the cluster does not depend on it.
  HeldRecord(const Dialect& dialect, const std::string& name, const std::filesystem::path& files);
  /// Removes the file, unless it is to be kept.
  ~HeldRecord();
  HeldRecord(const HeldRecord&) = delete;
  HeldRecord& operator=(const HeldRecord&) = delete;

  /// Jobs may be left: the file stays, so that they can be found later.
  void keep() noexcept { is_kept_ = true; }
  /// Of the file: record_path(); empty: there is none.
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  cohort::FileDescriptor file_;  // has the lock
  bool is_kept_ = false;
};

}  // namespace cohort::batch
