#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_unix {

/// A directory that only this user can enter: "cohort-<uid>" in $XDG_RUNTIME_DIR, else in $TMPDIR, else in /tmp.
std::string default_directory();

/// Removes what processes left there that were killed, and the directory if nothing remains.
void clean(const std::string& directory);

/// The name of one listening socket, and the lock that says that its process lives. Beside each socket lies
/// "<name>.lock", locked as long as the listener exists: the system lets go of it however the process ends, so that
/// whoever finds it unlocked may remove both.
class SocketName {
 public:
  /// Takes a new name in `directory`, which is made if need be, and removes what dead processes left there.
  /// @throws Error where the directory cannot be made, or belongs to or can be entered by others.
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
