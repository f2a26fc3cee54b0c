#pragma once

#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

#include "libssh_handles.hpp"

namespace cohort_ssh {

/// What files of known hosts say about one server. libssh's own functions are not used, because they obey
/// StrictHostKeyChecking, ignore @revoked, and stop reading a file at a line that they cannot read.
class KnownHosts {
 public:
  /// Reads the files. A file that does not exist, or cannot be read, counts as empty.
  /// @param host as the user knows it: a name, or a numeric address without brackets.
  KnownHosts(const std::vector<std::string>& files, const std::string& host, int port);

  enum class Verdict {
    known,
    revoked,     ///< somebody must not be believed any more, whatever other lines say
    changed,     ///< another key of the same type is known
    other_type,  ///< only keys of other types are known
    unknown
  };
  Verdict verdict(ssh_key presented) const;
  /// "FILE:LINE" of the lines for this host without a readable key, separated by commas; "" if there are none.
  const std::string& unreadable() const { return unreadable_; }
  /// Makes a file with only the known keys of this host, so that libssh requests a key of a known type from the server.
  /// Its path is valid as long as the descriptor is open. @throws Error.
  cohort::FileDescriptor write_for_libssh(std::string& path) const;

 private:
  void take_line(std::string line, const std::string& host, const std::string& where);

  std::vector<Key> keys_, revoked_;
  std::string lines_;  // of keys_, for any host
  std::string unreadable_;
};

}  // namespace cohort_ssh
