#pragma once

#include <cohort/detail/language.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace COHORT_EXPORT cohort {

/// By which one worker may join that does not know the cookie: after that nobody can use it. The worker is told the
/// cookie, encrypted, when it has proved that it knows the token.
struct JoinToken {
  std::int32_t number;  ///< positive
  std::string secret;
};

/// What a worker that is started by hand needs to join a cluster, for `cohort worker --join FILE`. It contains the
/// cluster's secret, so only its owner may read the file.
struct JoinFile {
  std::string address;             ///< of the master, in the form of the cluster's transport
  std::string program;             ///< of the worker
  std::vector<std::string> flags;  ///< arguments that make it a worker
  std::string dir;                 ///< working directory; empty: the one in which it is started
  std::string cookie;              ///< empty: there are tokens

  std::vector<std::string> other_addresses = {};  ///< of the master, on other networks
  std::vector<JoinToken> tokens = {};             ///< for the workers of one job, by their numbers within it, from 0
  std::array<std::byte, 32> transport_key = {};   ///< where there are tokens: transport_secret() of the cookie

  /// The text of the file, for a worker that reads it from standard input.
  std::string text() const;
  /// Writes the file atomically, with mode 0600. Replaces a file of that name, unless it is in use.
  /// @return a descriptor; the file is in use as long as it is open. @throws Error.
  FileDescriptor write(const std::filesystem::path& path) const;
  /// Removes the file that write() has written, if `path` is still that file. @param written the result of write().
  static void remove(const std::filesystem::path& path, const FileDescriptor& written);
  /// Reads a join file. @param path "-": standard input, to its end.
  /// @throws ConfigError if it cannot be read, if others can read it, or if it is not a join file.
  static JoinFile read(const std::filesystem::path& path);
  /// The reverse of text(). @param name of its origin, for errors. @throws ConfigError if it is not a join file.
  static JoinFile parse(const std::string& text, const std::string& name);
};

}  // namespace cohort
