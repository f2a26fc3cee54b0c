#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_unix {

/// A directory that only this user can enter: "cohort-<uid>" in $XDG_RUNTIME_DIR, else in $TMPDIR, else in /tmp.
std::string default_directory();

/// Removes the files that killed processes left there, and the directory if it is then empty. Nothing in a directory
/// that SocketName refuses.
void clean(const std::string& directory);

/// The name of one listening socket, and the lock that shows that its process lives. Beside each socket is the file
/// "<name>.lock", locked as long as the listener exists. The system releases the lock however the process ends, so a
/// process that finds it unlocked may remove both.
class SocketName {
 public:
  /// Chooses a new name in `directory`, which is created if necessary, and removes the files of dead processes there.
  /// @throws Error if the directory cannot be created, belongs to others, or can be entered by others.
  explicit SocketName(const std::string& directory);
  SocketName(const SocketName&) = delete;
  /// Removes the socket, the lock, and the directory with the last of them.
  ~SocketName();

  const std::string& path() const { return path_; }

 private:
  const std::string directory_;
  std::string path_;
  cohort::FileDescriptor lock_;
};

}  // namespace cohort_unix
