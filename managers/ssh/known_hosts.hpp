#pragma once

#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

#include "libssh_handles.hpp"

namespace cohort_ssh {

/// What files of known hosts say about one server. Read here and not by libssh, which believes whatever
/// StrictHostKeyChecking says, passes @revoked over, and gives a whole file up for one line that it cannot read.
class KnownHosts {
 public:
  /// Reads them. A file that is not there, or cannot be read, knows no host.
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
  /// "FILE:LINE" of lines for this host that hold no key that can be read, with commas between; "" if there are none.
  const std::string& unreadable() const { return unreadable_; }
  /// A file with the known keys of this host alone, by which libssh asks the server for a key of a type that is known.
  /// Its path is valid as long as the descriptor is open. @throws Error.
  cohort::FileDescriptor write_for_libssh(std::string& path) const;

 private:
  void take_line(std::string line, const std::string& host, const std::string& where);

  std::vector<Key> keys_, revoked_;
  std::string lines_;  // of keys_, for any host
  std::string unreadable_;
};

}  // namespace cohort_ssh
