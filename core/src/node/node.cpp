#include "node/node.hpp"

#include <cstring>
#include <utility>

#include <cohort/error.hpp>

#include "base/log.hpp"
#include "node/seconds.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/registry.hpp"

namespace cohort {
namespace {
constexpr int max_unauthenticated = 64;  // accepted connections that have not proved themselves yet
constexpr int blocking_threads = 32;
}  // namespace

Role::~Role() = default;

Node::Node(Pid self, Settings settings)
    : self_(self),
      reactor_(std::make_unique<Reactor>(Reactor::Options{.slots = settings.slots})),
      references_(std::make_shared<References>(*this)),
      calls_(*this, *references_),
      channels_(*references_),
      settings_(std::move(settings)),
      blocking_(std::make_unique<BlockingPool>(blocking_threads)) {
  start_heartbeat(settings_.timeouts.heartbeat);
}

Node::~Node() {
  on_loop([this] {
    listener_watcher_.stop();
    listener_.reset();
    heartbeat_.stop();
    for (const auto& connection : std::set(connections_)) connection->close("the session has ended");
  });
  on_loop([] {});  // behind the closing of each
  blocking_.reset();
  references_->close();
  reactor_.reset();
}

Timeouts Node::timeouts() const {
  std::lock_guard lock(mutex_);
  return settings_.timeouts;
}

std::string Node::cookie() const {
  std::lock_guard lock(mutex_);
  return settings_.cookie;
}

void Node::set_cookie(const std::string& cookie) {
  std::lock_guard lock(mutex_);
  settings_.cookie = cookie;
}

void Node::configure(Pid self, const Timeouts& timeouts, Topology topology, bool lazy) {
  {
    std::lock_guard lock(mutex_);
    settings_.timeouts = timeouts;
  }
  self_.store(self);
  topology_.store(topology);
  lazy_.store(lazy);
  start_heartbeat(timeouts.heartbeat);
}

Transport& Node::transport() {
  if (transport_ == nullptr) throw Error("this process has no transport yet");
  return *transport_;
}

void Node::on_loop(std::function<void()> body) {
  auto finished = std::make_shared<Completion>();
  reactor_->post(
      [this, finished, body = std::move(body)] {
        body();
        reactor_->complete(finished);
      },
      true);
  reactor_->wait(*finished);
}

// --- Connections. ---

std::shared_ptr<Connection> Node::add_connection(IoPair pair, Pid peer) {
  const auto role = peer == no_pid ? Handshake::Role::acceptor : Handshake::Role::dialer;
  const Identity mine{protocol_version, self(), executable_build_id(), library_build_id()};
  auto connection = std::make_shared<Connection>(*reactor_, *this, std::move(pair), role, mine, cookie());
  connection->set_peer(peer);
  reactor_->post([this, connection, handshake = timeouts().handshake] {
    connections_.insert(connection);
    if (!connection->dialled()) unauthenticated_++;
    connection->start(handshake);
  });
  return connection;
}

void Node::accept_at(std::unique_ptr<Listener> listener) {
  reactor_->post([this, shared = std::shared_ptr<Listener>(std::move(listener))] {
    listener_ = shared;
    if (const int descriptor = listener_->descriptor(); descriptor >= 0) {
      listener_watcher_.watch(*reactor_, descriptor, true, false, [this](bool, bool) { accept_waiting(); });
    } else {
      listener_->on_acceptable([this] { reactor_->post([this] { accept_waiting(); }); });
      accept_waiting();
    }
  });
}

void Node::accept_waiting() {
  while (listener_ != nullptr) {
    std::optional<IoPair> pair;
    try {
      pair = listener_->accept();
    } catch (const std::exception& error) {
      log_warning(std::string("accept failed: ") + error.what());
    }
    if (!pair) return;
    if (unauthenticated_ >= max_unauthenticated) {
      log_warning("too many connections that have not proved themselves: one was refused");
      continue;
    }
    add_connection(std::move(*pair), no_pid);
  }
}

void Node::on_established(const std::shared_ptr<Connection>& connection) {
  const Pid said = connection->peer_identity().pid;
  if (!connection->dialled()) {
    unauthenticated_--;
    if (!role_->on_accepted(connection)) connection->close("not wanted");
    return;
  }
  const Pid expected = connection->peer();
  if (said != no_pid && said != expected) {
    return connection->close("at that address is process " + std::to_string(said) + ", not " +
                             std::to_string(expected));
  }
  role_->on_dialled(connection);
}

void Node::on_closed(const std::shared_ptr<Connection>& connection, const std::string& reason) {
  connections_.erase(connection);
  suspects_.erase(connection.get());
  if (!connection->dialled() && !connection->established()) {
    unauthenticated_--;
    log_info("Process(" + std::to_string(self()) + ") - Unknown remote, closing connection: " + reason);
    return;
  }
  role_->on_lost(connection, reason);
}

void Node::fail_requests(Connection& connection, const std::string& cause) {
  for (auto& request : connection.requests().take_all_and_close()) {
    request->on_lost(cause);
    reactor_->complete(std::move(request));
  }
}

// --- Frames. ---

void Node::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  switch (frame.header.kind) {
    case FrameKind::result:
    case FrameKind::pong:
      if (auto request = connection->requests().take(frame.header.request)) {
        request->on_result(std::move(frame));
        reactor_->complete(std::move(request));
      }
      return;
    case FrameKind::call:
    case FrameKind::call_fetch:
    case FrameKind::remote_do:
      return calls_.on_call(connection, std::move(frame));
    case FrameKind::fetch:
      return calls_.on_fetch(connection, frame);
    case FrameKind::put:
      return calls_.on_put(connection, std::move(frame));
    case FrameKind::references:
      return references_->on_frame(connection, frame);
    case FrameKind::channel:
      return channels_.on_frame(connection, std::move(frame));
    case FrameKind::cancel:
      return calls_.on_cancel(connection, frame);
    case FrameKind::ping:
      return connection->send(FrameKind::pong, frame.header.request, {}, SendQueue::Mode::gather_on_loop);
    default:
      if (!role_->on_frame(connection, std::move(frame))) answer_unknown(connection, frame);
  }
}

void Node::answer_unknown(const std::shared_ptr<Connection>& connection, const Frame& frame) {
  if (frame.header.request == 0) return;
  const Error error("unknown message kind " + std::to_string(static_cast<int>(frame.header.kind)),
                    ErrorKind::unimplemented);
  connection->send(FrameKind::result, result_exception, frame.header.request,
                   encode_exception(std::make_exception_ptr(error), self()), SendQueue::Mode::gather_on_loop);
}

// --- The way to other members. ---

bool Node::may_connect(Pid pid) {
  return self() == master_pid || pid == master_pid || topology() == Topology::all_to_all;
}

std::shared_ptr<Connection> Node::connection_to(Pid pid) {
  if (auto connection = members_.connection(pid)) return connection;
  if (members_.is_gone(pid)) throw ProcessExitedException(pid, "");
  auto attempted = members_.attempt(pid);
  if (attempted.connection != nullptr) return attempted.connection;
  if (attempted.attempt == nullptr) throw Error("no process with id " + std::to_string(pid) + " exists");
  if (!may_connect(pid) || pid == master_pid || self() == master_pid) {
    finish_attempt(pid, "not connected");
    throw Error("peer " + std::to_string(pid) + " is not connected to " + std::to_string(self()) +
                    ". Topology : " + to_string(topology()),
                ErrorKind::disconnected);
  }
  if (attempted.start) {
    // The one with the higher id dials, so that two who want each other at once make one connection.
    if (self() > pid)
      dial(pid, attempted.address);
    else
      role_->request_dial_from(pid);
  }
  const Duration limit = timeouts().connect;
  if (!wait_interruptibly(*reactor_, *attempted.attempt, deadline_after(limit))) {
    throw Error(
        "peer " + std::to_string(pid) + " didn't connect to " + std::to_string(self()) + " within " + in_seconds(limit),
        ErrorKind::disconnected);
  }
  if (!attempted.attempt->error.empty()) {
    if (members_.is_gone(pid)) throw ProcessExitedException(pid, "");
    throw Error("process " + std::to_string(self()) + " cannot connect to peer " + std::to_string(pid) + ": " +
                    attempted.attempt->error,
                ErrorKind::disconnected);
  }
  if (auto connection = members_.connection(pid)) return connection;
  throw ProcessExitedException(pid, "the connection ended");
}

void Node::dial(Pid pid, const std::string& address) {
  blocking_->run([this, pid, address] {
    try {
      add_connection(transport().connect(address, deadline_after(timeouts().connect)), pid);
    } catch (const std::exception& error) {
      finish_attempt(pid, error.what());
    }
  });
}

void Node::finish_attempt(Pid pid, const std::string& error) {
  auto attempt = members_.take_attempt(pid);
  if (attempt == nullptr) return;
  attempt->error = error;
  reactor_->complete(std::move(attempt));
}

// --- Liveness. ---

void Node::start_heartbeat(Duration interval) {
  reactor_->post([this, interval] {
    if (interval == heartbeat_interval_) return;
    heartbeat_interval_ = interval;
    heartbeat_.start(
        *reactor_, interval, [this] { check_liveness(); }, interval);
  });
}

void Node::check_liveness() {
  const Timeouts limits = timeouts();
  const auto now = Clock::now();
  for (const auto& connection : std::set(connections_)) {
    if (!connection->established()) continue;
    const auto silence = now - connection->last_received();
    if (silence < limits.heartbeat / 2) {
      if (suspects_.erase(connection.get()) > 0)
        log_warning("process " + std::to_string(connection->peer()) + " answers again");
      continue;
    }
    if (silence >= limits.dead) {
      connection->close("no answer for " + in_seconds(limits.dead));
      continue;
    }
    if (silence >= limits.suspect && suspects_.insert(connection.get()).second) {
      log_warning("process " + std::to_string(connection->peer()) + " is suspect: no answer for " +
                  in_seconds(limits.suspect));
    }
    connection->send(FrameKind::ping, 0, {}, SendQueue::Mode::before_wait);
  }
}

}  // namespace cohort
