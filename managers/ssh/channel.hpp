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

  /// Does what can be done without waiting. @return whether that was something.
  virtual bool step(ssh_session session) = 0;
  /// Adds the descriptors of this host that it waits for; the session's own is not among them.
  virtual void add_to(std::vector<pollfd>& polled) const = 0;
  /// Nothing will come of it any more: it is released and forgotten.
  virtual bool is_over() const = 0;
  /// Frees what it has of the session. @param reason why it ends: not empty where the whole session does.
  virtual void release(const std::string& reason) = 0;
};

}  // namespace cohort_ssh
