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

constexpr std::size_t max_strangers = 64;
constexpr unsigned told_refusals = 20;  // whoever reaches the port could else fill the disk

}  // namespace

class Arrivals::Door {
 public:
  Door(std::unique_ptr<Listener> listener, std::string cookie, std::function<void(Arrival)> arrived, Duration limit)
      : listener_(std::move(listener)),
        address_(listener_->address()),
        cookie_(std::move(cookie)),
        arrived_(std::move(arrived)),
        limit_(limit) {
    refuse_shorter(limit, Duration(1), "the time for a worker to prove itself");
    ready_.tell(*listener_);
    thread_ = start_thread("let workers join", [this] { run(); });
  }

  ~Door() {
    stop_ = true;
    ready_.wake();
    thread_.join();
  }

  const std::string& address() const { return address_; }

 private:
  struct Stranger {
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
      for (auto stranger = strangers_.begin(); stranger != strangers_.end();)
        stranger = look_at(*stranger) ? std::next(stranger) : strangers_.erase(stranger);
      try {
        wait();
      } catch (...) {  // of the listener or of a stranger's connection; which one is not known
        log_error("no more workers can join: " + message_of(std::current_exception()));
        return;
      }
    }
  }

  void accept_waiting() {
    while (auto pair = listener_->accept()) {
      const std::string nonce = joining_nonce();
      auto& stranger = strangers_.emplace_back(
          Stranger{LineStream(std::move(*pair), longest_joining_line), nonce, deadline_after(limit_)});
      ready_.tell(stranger.stream.pair());
      stranger.stream.send(joining_challenge(nonce));
      if (strangers_.size() > max_strangers) strangers_.pop_front();  // who belongs here proves it at once
    }
  }

  /// @return whether it stays a stranger.
  bool look_at(Stranger& stranger) {
    try {
      stranger.sent = stranger.stream.flush();
      const auto line = stranger.stream.receive();
      if (!line) return Clock::now() < stranger.deadline;
      auto address = joining_address(*line, cookie_, stranger.nonce);
      stranger.stream.send(address ? "welcome" : "refused: it does not have the secret of this cluster");
      if (!stranger.stream.flush()) return false;
      if (address)
        arrived_({std::move(stranger.stream.pair()), std::move(*address)});
      else if (++refusals_ <= told_refusals)
        log_warning("a process that does not have the secret of this cluster wanted to join at " + address_);
    } catch (...) {  // it is gone, or talks something else
    }
    return false;
  }

  void wait() {
    auto deadline = Clock::time_point::max();
    ready_.watch_input(listener_->descriptor());
    for (auto& stranger : strangers_) {
      ready_.watch_input(stranger.stream.pair().reader->descriptor());
      if (!stranger.sent) ready_.watch_output(stranger.stream.pair().writer->descriptor());
      deadline = std::min(deadline, stranger.deadline);
    }
    if (!stop_) ready_.wait(deadline);
  }

  const std::unique_ptr<Listener> listener_;
  const std::string address_, cookie_;
  const std::function<void(Arrival)> arrived_;
  const Duration limit_;
  std::list<Stranger> strangers_;  // the thread's own, oldest first
  unsigned refusals_ = 0;          // the thread's own
  Readiness ready_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Arrivals::Arrivals(std::unique_ptr<Listener> listener, std::string cookie, std::function<void(Arrival)> arrived,
                   Duration limit)
    : door_(std::make_unique<Door>(std::move(listener), std::move(cookie), std::move(arrived), limit)) {}

Arrivals::~Arrivals() = default;

const std::string& Arrivals::address() const { return door_->address(); }

}  // namespace cohort
