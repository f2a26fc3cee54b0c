#include "session_thread.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include <cohort/start_thread.hpp>

namespace cohort_ssh {
namespace {
constexpr int most_rounds = 64;  // then new channels have their turn, and the end
}

SessionThread::SessionThread(Session session)
    : session_(std::move(session)), thread_(cohort::start_thread("serve an ssh session", [this] { run(); })) {}

SessionThread::~SessionThread() {
  {
    const cohort::detail::MutexLock lock(mutex_);
    stop_ = true;
  }
  wake_.set();
  thread_.join();
}

void SessionThread::add(std::shared_ptr<Channel> channel) {
  std::string reason;
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (!over_) {
      added_.push_back(std::move(channel));
      wake_.set();
      return;
    }
    reason = end_reason_;
  }
  channel->release(reason);
}

bool SessionThread::is_over() {
  const cohort::detail::MutexLock lock(mutex_);
  return over_;
}

void SessionThread::run() {
  pump_ = ::ssh_channel_new(session_.get());
  ::ssh_set_counters(session_.get(), &received_, nullptr);
  std::string reason;
  try {
    work();
    reason = why_it_ended();
  } catch (const std::exception& error) {  // without memory, say; the channels end, and those that wait for them
    reason = std::string("the ssh session was given up: ") + error.what();
  }
  {
    const cohort::detail::MutexLock lock(mutex_);
    over_ = true;
    end_reason_ = reason;
    channels_.insert(channels_.end(), added_.begin(), added_.end());
    added_.clear();
  }
  for (const auto& channel : channels_) channel->release(reason);
  channels_.clear();
  ::ssh_channel_free(pump_);
  session_.reset();
}

void SessionThread::work() {
  while (take_new()) {
    ::ssh_channel_poll(pump_, 0);
    bool progress = true;
    for (int round = 0; progress && round < most_rounds; ++round) {
      // The step of one channel may take in what others have waited for.
      const auto seen = received_.in_bytes;
      progress = false;
      for (const auto& channel : channels_) progress |= channel->step(session_.get());
      progress |= received_.in_bytes != seen;
    }
    if (!::ssh_is_connected(session_.get())) return;
    std::erase_if(channels_, [](const auto& channel) {
      if (!channel->is_over()) return false;
      channel->release("");
      return true;
    });
    wait(progress ? 0 : -1);
  }
}

// @return false: the session is to end.
bool SessionThread::take_new() {
  const cohort::detail::MutexLock lock(mutex_);
  wake_.reset();
  channels_.insert(channels_.end(), std::make_move_iterator(added_.begin()), std::make_move_iterator(added_.end()));
  added_.clear();
  return !stop_;
}

// An sshd without a terminal to serve holds small packets back until the one before is acknowledged, which this side
// would do 40 ms later. The system forgets this wish again and again. No effect on what is no TCP socket.
void SessionThread::acknowledge_at_once() {
  const int yes = 1;
  ::setsockopt(::ssh_get_fd(session_.get()), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

void SessionThread::wait(int milliseconds) {
  acknowledge_at_once();
  polled_.clear();
  polled_.push_back({wake_.descriptor(), POLLIN, 0});
  polled_.push_back({::ssh_get_fd(session_.get()), events_of(session_.get()), 0});
  for (const auto& channel : channels_) channel->add_to(polled_);
  ::poll(polled_.data(), polled_.size(), milliseconds);
}

std::string SessionThread::why_it_ended() const {
  if (::ssh_is_connected(session_.get())) return "the ssh session was closed";
  return "the ssh connection was lost: " + error_of(session_.get());
}

}  // namespace cohort_ssh
