#include <cohort/worker_acceptor.hpp>

#include <algorithm>
#include <atomic>
#include <list>
#include <thread>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/start_thread.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "membership/joining.hpp"
#include "membership/line_stream.hpp"
#include "membership/readiness.hpp"

namespace cohort {
namespace {

constexpr std::size_t max_pending = 64;
constexpr unsigned logged_refusals = 20;  // whoever reaches the port could else fill the disk

}  // namespace

class WorkerAcceptor::Impl {
 public:
  Impl(std::unique_ptr<Listener> listener, std::string cookie, std::function<void(AcceptedWorker)> on_accepted,
       Duration limit)
      : listener_(std::move(listener)),
        address_(listener_->address()),
        cookie_(std::move(cookie)),
        on_accepted_(std::move(on_accepted)),
        limit_(limit) {
    refuse_shorter(limit, Duration(1), "the time for a worker to prove itself");
    ready_.tell(*listener_);
    thread_ = start_thread("let workers join", [this] { run(); });
  }

  ~Impl() {
    stop_ = true;
    ready_.wake();
    thread_.join();
  }

  const std::string& address() const { return address_; }

 private:
  struct PendingPeer {
    LineStream stream;
    std::string nonce;
    Clock::time_point deadline;
    bool sent = false;  // all that was to be sent
  };

  void run() {
    while (!stop_) {
      try {
        accept_waiting();
      } catch (...) {
        log_warning("a worker that wanted to join could not be accepted: " + message_of(std::current_exception()));
      }
      for (auto peer = pending_.begin(); peer != pending_.end();)
        peer = look_at(*peer) ? std::next(peer) : pending_.erase(peer);
      try {
        wait();
      } catch (...) {  // of the listener or of a pending connection; which one is not known
        log_error("no more workers can join: " + message_of(std::current_exception()));
        return;
      }
    }
  }

  void accept_waiting() {
    while (auto pair = listener_->accept()) {
      const std::string nonce = joining_nonce();
      auto& peer = pending_.emplace_back(
          PendingPeer{LineStream(std::move(*pair), longest_joining_line), nonce, deadline_after(limit_)});
      ready_.tell(peer.stream.pair());
      peer.stream.send(joining_challenge(nonce));
      if (pending_.size() > max_pending) pending_.pop_front();  // who belongs here proves it at once
    }
  }

  /// @return whether it is still pending.
  bool look_at(PendingPeer& peer) {
    try {
      peer.sent = peer.stream.flush();
      const auto line = peer.stream.receive();
      if (!line) return Clock::now() < peer.deadline;
      auto address = joining_address(*line, cookie_, peer.nonce);
      peer.stream.send(address ? "welcome" : "refused: it does not have the secret of this cluster");
      if (!peer.stream.flush()) return false;
      if (address)
        on_accepted_({std::move(peer.stream.pair()), std::move(*address)});
      else if (++refusals_ <= logged_refusals)
        log_warning("a process that does not have the secret of this cluster wanted to join at " + address_);
    } catch (...) {  // it is gone, or talks something else
    }
    return false;
  }

  void wait() {
    auto deadline = Clock::time_point::max();
    ready_.watch_input(listener_->descriptor());
    for (auto& peer : pending_) {
      ready_.watch_input(peer.stream.pair().reader->descriptor());
      if (!peer.sent) ready_.watch_output(peer.stream.pair().writer->descriptor());
      deadline = std::min(deadline, peer.deadline);
    }
    if (!stop_) ready_.wait(deadline);
  }

  const std::unique_ptr<Listener> listener_;
  const std::string address_, cookie_;
  const std::function<void(AcceptedWorker)> on_accepted_;
  const Duration limit_;
  std::list<PendingPeer> pending_;  // the thread's own, oldest first
  unsigned refusals_ = 0;           // the thread's own
  Readiness ready_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

WorkerAcceptor::WorkerAcceptor(std::unique_ptr<Listener> listener, std::string cookie,
                               std::function<void(AcceptedWorker)> on_accepted, Duration limit)
    : impl_(std::make_unique<Impl>(std::move(listener), std::move(cookie), std::move(on_accepted), limit)) {}

WorkerAcceptor::~WorkerAcceptor() = default;

const std::string& WorkerAcceptor::address() const { return impl_->address(); }

}  // namespace cohort
