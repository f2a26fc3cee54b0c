#pragma once

#include <libssh/libssh.h>
#include <poll.h>

#include <string>
#include <vector>

namespace cohort_ssh {

/// One channel of a session. Everything runs on the session's thread, save construction and destruction.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Does what is possible without waiting. @return whether it did anything.
  virtual bool step(ssh_session session) = 0;
  /// Adds the descriptors of this host for which it waits, without the session's own.
  virtual void add_to(std::vector<pollfd>& polled) const = 0;
  /// Whether it has nothing more to do: it is then released and forgotten.
  virtual bool is_over() const = 0;
  /// Frees its part of the session. @param reason why it ends; not empty if the whole session ends.
  virtual void release(const std::string& reason) = 0;
};

}  // namespace cohort_ssh
