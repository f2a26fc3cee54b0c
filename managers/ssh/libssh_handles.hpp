#pragma once

#include <libssh/libssh.h>
#include <poll.h>

#include <memory>
#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort_ssh {

struct FreeSession {
  cohort::FileDescriptor socket;  // libssh closes only what it opened itself
  void operator()(ssh_session session) {
    ::ssh_disconnect(session);
    ::ssh_free(session);
    socket.reset();
  }
};
/// One login. One thread at a time; its channels must be destroyed before it.
using Session = std::unique_ptr<ssh_session_struct, FreeSession>;

struct FreeKey {
  void operator()(ssh_key key) const { ::ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

/// The poll() events of the session's descriptor to wait for before the next attempt.
inline short events_of(ssh_session session) {
  const bool writes = (::ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
  return static_cast<short>(POLLIN | (writes ? POLLOUT : 0));
}

/// libssh's text of the last failure, or the server's last message, if it ended the connection with one.
inline std::string error_of(ssh_session session) {
  const char* text = ::ssh_get_error(session);
  const std::string error = text == nullptr || *text == '\0' ? "no reason was given" : text;
  const std::string before_words = "Received SSH_MSG_DISCONNECT: ";  // and a number, ':', and the words
  if (!error.starts_with(before_words)) return error;
  const auto colon = error.find(':', before_words.size());
  return colon == error.npos ? error : "it said '" + error.substr(colon + 1) + "'";
}

/// A text that libssh allocated.
inline std::string take_text(char* text) {
  const std::string copy = text == nullptr ? "" : text;
  ::ssh_string_free_char(text);
  return copy;
}

}  // namespace cohort_ssh
