#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "channel.hpp"
#include "libssh_handles.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// The thread to which a session and all its channels belong, after the login. libssh parses everything that arrives
/// for all channels at once, so after each wake-up all channels are served in turn.
class SessionThread {
 public:
  explicit SessionThread(Session session);
  /// Ends the session: the commands that it runs on the server lose their input and output.
  ~SessionThread();

  /// Opens a channel. Any thread. If the session is over, the channel is released at once.
  void add(std::shared_ptr<Channel> channel);
  bool is_over();

 private:
  void run();
  void work();
  bool take_new();
  void acknowledge_at_once();
  void wait(int milliseconds);
  std::string why_it_ended() const;

  const Event wake_;
  cohort::detail::Mutex mutex_;
  std::vector<std::shared_ptr<Channel>> added_ COHORT_GUARDED_BY(mutex_);
  bool stop_ COHORT_GUARDED_BY(mutex_) = false;
  bool over_ COHORT_GUARDED_BY(mutex_) = false;
  std::string end_reason_ COHORT_GUARDED_BY(mutex_);

  // The thread's own.
  Session session_;
  ssh_channel pump_ = nullptr;  // never opened: asking it for input makes libssh take in what has come
  ssh_counter_struct received_{};
  std::vector<std::shared_ptr<Channel>> channels_;
  std::vector<pollfd> polled_;

  std::thread thread_;
};

}  // namespace cohort_ssh
