// How a node accepts connections. Who connects is a stranger until it has proved itself.

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <cohort/error.hpp>

#include "base/log.hpp"
#include "node/node_impl.hpp"

namespace cohort {
namespace {

constexpr Duration patience_with_strangers = std::chrono::seconds(2);
constexpr std::size_t max_unauthenticated = 64;  // accepted connections that have not proved themselves yet
constexpr int accepts_a_turn = 16;               // then those that are too many are closed

}  // namespace

// Loop thread. The oldest goes: idle ones cannot keep out who does prove itself at once.
void NodeImpl::expect_proof(const std::shared_ptr<Connection>& connection) {
  unproven_.push_back({connection, Clock::now()});
  if (unproven_.size() <= max_unauthenticated) return;
  unproven_.front().connection->close("too many connections wait to prove themselves");
  unproven_.pop_front();
}

void NodeImpl::accept_at(std::unique_ptr<Listener> listener, const std::shared_ptr<ArrivedWorkers>& acceptor) {
  auto accepting = std::make_shared<Accepting>();
  accepting->listener = std::move(listener);
  accepting->acceptor = acceptor;
  on_loop([this, accepting] {
    watch(accepting);
    if (accepting->listener->descriptor() < 0) {
      accepting->listener->on_acceptable([this, of = std::weak_ptr(accepting)] {
        reactor_->post([this, of] {
          if (const auto still = of.lock()) accept_waiting(still);
        });
      });
      accept_waiting(accepting);
    }
    accepting_.insert(accepting);
  });
}

void NodeImpl::watch(const std::shared_ptr<Accepting>& accepting) {
  const int descriptor = accepting->listener->descriptor();
  if (descriptor < 0) return;
  accepting->watcher.watch(*reactor_, descriptor, true, false, [this, of = std::weak_ptr(accepting)](bool, bool) {
    if (const auto still = of.lock()) accept_waiting(still);
  });
}

// Hundreds of workers that come at once wait for each other; strangers that say nothing keep nobody waiting for long.
bool NodeImpl::has_room() const {
  return unproven_.size() < max_unauthenticated ||
         (!unproven_.empty() && Clock::now() - unproven_.front().since >= patience_with_strangers);
}

void NodeImpl::pause(Accepting& accepting) {
  accepting.watcher.stop();
  accepting.paused = true;
  room_timer_.start(*reactor_, patience_with_strangers, [this] { resume_accepting(); });
}

void NodeImpl::resume_accepting() {
  for (const auto& accepting : std::set(accepting_)) {
    if (!std::exchange(accepting->paused, false) || accepting->listener == nullptr) continue;
    watch(accepting);
    accept_waiting(accepting);
  }
}

void NodeImpl::no_longer_unproven(const std::shared_ptr<Connection>& connection) {
  std::erase_if(unproven_, [&](const Unproven& unproven) { return unproven.connection == connection; });
  const auto is_paused = [](const auto& accepting) { return accepting->paused; };
  if (std::ranges::any_of(accepting_, is_paused)) reactor_->post([this] { resume_accepting(); });
}

void NodeImpl::stop_accepting(const std::shared_ptr<ArrivedWorkers>& acceptor) {
  const auto stop = [this, acceptor] {
    std::erase_if(accepting_, [&](const auto& accepting) {
      if (accepting->acceptor.lock() != acceptor) return false;
      accepting->watcher.stop();
      accepting->listener.reset();
      return true;
    });
    for (const auto& connection : std::set(connections_))
      if (connection->acceptor() == acceptor && connection->peer() == no_pid)
        connection->close("no more workers are let in here");
  };
  reactor_->on_loop() ? stop() : on_loop(stop);
}

void NodeImpl::accept_waiting(const std::shared_ptr<Accepting>& accepting) {
  for (int i = 0; accepting->listener != nullptr && !accepting->paused; i++) {
    if (!has_room()) return pause(*accepting);
    if (i == accepts_a_turn) {
      if (accepting->listener->descriptor() < 0) reactor_->post([this, accepting] { accept_waiting(accepting); });
      return;
    }
    std::optional<IoPair> pair;
    try {
      pair = accepting->listener->accept();
    } catch (...) {
      log_warning("accept failed: " + message_of(std::current_exception()));
    }
    if (!pair) return;
    add_connection(std::move(*pair), no_pid, accepting->acceptor.lock());
  }
}

}  // namespace cohort
