#pragma once

#include <cohort/detail/language.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace cohort {

/// What a worker that is started by hand must know to join a cluster, for `cohort worker --join FILE`. Holds the
/// cluster's secret, so the file is for its owner alone.
struct JoinFile {
  std::string address;             ///< of the master, in the form of the cluster's transport
  std::string program;             ///< of the worker
  std::vector<std::string> flags;  ///< arguments that make it a worker
  std::string dir;                 ///< working directory; empty: whatever it is started in
  std::string cookie;

  /// Writes it with mode 0600, whole or not at all. A file of that name is replaced, unless it is in use.
  /// @return it is in use as long as this descriptor is open. @throws Error.
  FileDescriptor write(const std::filesystem::path& path) const;
  /// Removes what write() wrote and returned, if `path` is still that file.
  static void remove(const std::filesystem::path& path, const FileDescriptor& written);
  /// @param path "-": standard input, to its end.
  /// @throws ConfigError: it cannot be read, is readable by others, or is not what write() wrote.
  static JoinFile read(const std::filesystem::path& path);
};

}  // namespace cohort
