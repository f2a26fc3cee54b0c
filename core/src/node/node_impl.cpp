#include "node/node_impl.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "membership/arrival.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/registry.hpp"
#include "remote/response.hpp"
#include "wire/segment_pool.hpp"

namespace cohort {
namespace {
constexpr unsigned logged_refusals = 20;  // reported one by one; whoever reaches the port could else fill the disk
constexpr int blocking_threads = 32;
constexpr Duration segment_rest = std::chrono::seconds(10);  // memory for received arrays is kept so long for the next

// There was no memory for a message.
class NoRoom final : public std::bad_alloc {
 public:
  NoRoom(std::uint64_t bytes, Pid where)
      : text_(std::make_shared<const std::string>("process " + std::to_string(where) +
                                                  " has no memory for a message with " + std::to_string(bytes) +
                                                  " bytes in one piece")) {}
  const char* what() const noexcept override { return text_->c_str(); }

 private:
  std::shared_ptr<const std::string> text_;  // shared: copying an exception must not throw
};

// Of a kind that is known. What is done with them later, also where nothing may be thrown, relies on it.
void check_references(std::span<const ReferenceEntry> references) {
  for (const auto& reference : references) {
    if (RefId{reference.whence, reference.id}.kind() > ReferenceKind::object)
      throw BadMessage("a reference of an unknown kind");
  }
}

constexpr Duration shortest_heartbeat = std::chrono::milliseconds(1);
}  // namespace

Role::~Role() = default;

NodeImpl::NodeImpl(Pid self, Settings settings)
    : self_(self),
      reactor_(std::make_unique<Reactor>(Reactor::Options{.slots = settings.slots})),
      references_(std::make_shared<References>(*this)),
      calls_(*this, *references_),
      channels_(*references_),
      parallel_(std::make_unique<ParallelState>()),
      settings_(std::move(settings)),
      tunnels_(*this),
      blocking_(std::make_unique<BlockingPool>(blocking_threads, [this] { CurrentNode::of_thread() = current(); })) {
  start_heartbeat(settings_.timeouts);
}

NodeImpl::~NodeImpl() {
  guard_loop([this] {
    on_loop([this] {
      for (const auto& accepting : std::exchange(accepting_, {})) {
        accepting->watcher.stop();
        accepting->listener.reset();
      }
      heartbeat_.stop();
      room_timer_.stop();
      for (const auto& connection : std::set(connections_)) connection->close("the session has ended");
    });
    on_loop([this] { tunnels_.close(); });  // behind the closing of each
  });
  calls_.interrupt_running(nullptr);  // nobody else could end their waits
  blocking_->stop();
  reactor_->stop();  // the last functions settle their futures
  references_->close();
  reactor_.reset();
}

Timeouts NodeImpl::timeouts() const {
  detail::MutexLock lock(mutex_);
  return settings_.timeouts;
}

std::string NodeImpl::cookie() const {
  detail::MutexLock lock(mutex_);
  return settings_.cookie;
}

void NodeImpl::set_cookie(const std::string& cookie) {
  {
    detail::MutexLock lock(mutex_);
    settings_.cookie = cookie;
  }
  if (transport_ != nullptr) transport_->set_secret(transport_secret(cookie));
}

void NodeImpl::set_transport(std::unique_ptr<Transport> transport) {
  {
    detail::MutexLock lock(mutex_);
    transport->set_secret(settings_.token ? settings_.transport_key : transport_secret(settings_.cookie));
  }
  transport_ = std::move(transport);
}

void NodeImpl::configure(Pid self, const Timeouts& timeouts, const Wiring& wiring) {
  {
    detail::MutexLock lock(mutex_);
    settings_.timeouts = timeouts;
    wiring_ = wiring;
  }
  self_.store(self);
  {
    detail::MutexLock lock(neighbours_mutex_);
    neighbours_.reset();
  }
  start_heartbeat(timeouts);
}

Wiring NodeImpl::wiring() const {
  detail::MutexLock lock(mutex_);
  return wiring_;
}

Transport& NodeImpl::transport() {
  if (transport_ == nullptr) throw Error("this process has no transport yet");
  return *transport_;
}

void NodeImpl::on_loop(std::function<void()> body) {
  struct Ran final : Completion {
    std::exception_ptr failure;  // written before the completion is set
  };
  auto ran = std::make_shared<Ran>();
  reactor_->post(
      [this, ran, body = std::move(body)] {
        try {
          body();
        } catch (...) {
          ran->failure = std::current_exception();
        }
        reactor_->complete(ran);
      },
      true);
  reactor_->wait(*ran);
  if (ran->failure) std::rethrow_exception(ran->failure);
}

// --- Connections. ---

std::shared_ptr<Connection> NodeImpl::add_connection(IoPair pair, Pid peer,
                                                     const std::shared_ptr<ArrivedWorkers>& acceptor) {
  const auto role = peer == no_pid ? Handshake::Role::acceptor : Handshake::Role::dialer;
  Identity mine{protocol_version, self(), executable_build_id(), library_build_id()};
  std::string secret;
  {
    detail::MutexLock lock(mutex_);
    secret = settings_.cookie;
    if (settings_.token && peer == master_pid) {
      secret = settings_.token->secret;
      mine.pid = -settings_.token->number;
    }
  }
  auto connection = std::make_shared<Connection>(*reactor_, *this, std::move(pair), role, mine, secret, acceptor);
  connection->set_peer(peer);
  connection->set_acceptor(acceptor);
  const bool counted = peer == no_pid && reactor_->on_loop();  // before the next one is accepted
  if (counted) expect_proof(connection);
  reactor_->post([this, connection, counted, handshake = timeouts().handshake] {
    connections_.insert(connection);
    if (connection->peer() == no_pid && !counted) expect_proof(connection);
    connection->start(handshake);
  });
  return connection;
}

void NodeImpl::on_established(const std::shared_ptr<Connection>& connection) {
  const Pid said = connection->peer_identity().pid;
  if (!connection->dialled()) {
    no_longer_unproven(connection);
    if (!role_->on_accepted(connection)) connection->close("not wanted");
    return;
  }
  learn_cookie(*connection);
  const Pid expected = connection->peer();
  if (said != no_pid && said != expected) {
    return connection->close("at that address is process " + std::to_string(said) + ", not " +
                             std::to_string(expected));
  }
  role_->on_dialled(connection);
}

// The transport has its secret from the join file already.
void NodeImpl::learn_cookie(const Connection& connection) {
  detail::MutexLock lock(mutex_);
  if (!settings_.token || connection.peer() != master_pid) return;
  settings_.cookie = connection.told_cookie();
  settings_.token.reset();
}

void NodeImpl::on_closed(const std::shared_ptr<Connection>& connection, const std::string& reason) {
  connections_.erase(connection);
  suspects_.erase(connection.get());
  if (connection->peer() == no_pid && !connection->established()) {
    no_longer_unproven(connection);
    return report_refused_peer(reason);
  }
  calls_.on_closed(*connection);
  references_->disconnected(connection->peer());
  role_->on_lost(connection, reason);
}

void NodeImpl::report_refused_peer(const std::string& reason) {
  refused_peers_++;
  const bool tell = refused_peers_ <= logged_refusals || std::has_single_bit(refused_peers_);
  log(tell ? LogLevel::warn : LogLevel::info,
      "Process(" + std::to_string(self()) + ") - Unknown remote, closing connection: " + reason +
          (refused_peers_ < logged_refusals ? "" : " (" + std::to_string(refused_peers_) + " so far)"));
}

void NodeImpl::fail_requests(Connection& connection, const std::string& cause) {
  for (auto& request : connection.requests().take_all_and_close(cause)) {
    request->on_lost(cause);
    reactor_->complete(std::move(request));
  }
}

void NodeImpl::bring_values_from(const std::vector<Pid>& owners) {
  if (owners.empty()) return;
  blocking_->run([this, owners = std::set(owners.begin(), owners.end())] {
    for (const auto& future : references_->futures_of(owners)) future->on_here([] {});
  });
}

void NodeImpl::drop_client(Pid client) {
  references_->drop_client(client);
  calls_.drop_client(client);  // after that, as it looks who still holds the results
}

// --- Frames. ---

void NodeImpl::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  check_references(frame.references);
  const bool is_heartbeat = frame.header.kind == FrameKind::ping || frame.header.kind == FrameKind::pong;
  if (connection->peer() == no_pid && !is_heartbeat) {  // it is authenticated, but no member
    if (!role_->on_frame(connection, std::move(frame))) connection->close("it has not joined");
    return;
  }
  if (frame.without_room != 0) return on_frame_without_room(connection, std::move(frame));
  switch (frame.header.kind) {
    case FrameKind::result:
    case FrameKind::pong:
      return on_answer(connection, std::move(frame));
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
    case FrameKind::tunnel:
      return tunnels_.on_frame(connection, std::move(frame));
    case FrameKind::ping:
      return connection->send(FrameKind::pong, frame.header.request, {}, SendQueue::Mode::ahead);
    default:
      if (!role_->on_frame(connection, std::move(frame))) answer_unknown(connection, frame);
  }
}

void NodeImpl::on_answer(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  if (auto request = connection->requests().take(frame.header.request)) {
    request->on_result(std::move(frame));
    reactor_->complete(std::move(request));
  }
}

// Whoever waits for what there was no memory for gets std::bad_alloc, as if this process had made it.
void NodeImpl::on_frame_without_room(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const auto references = references_->adopt(frame.references);  // counted for this process, which lets go of them
  const auto failure = std::make_exception_ptr(NoRoom(frame.without_room, self()));
  switch (frame.header.kind) {
    case FrameKind::result: {
      Frame answer;
      answer.header = frame.header;
      answer.header.flags = result_exception;
      answer.body = encode_exception(failure, self()).body;
      return on_answer(connection, std::move(answer));
    }
    case FrameKind::call:
    case FrameKind::call_fetch:
    case FrameKind::remote_do:
      return calls_.on_call_without_room(connection, frame, failure);
    default:
      log_error(message_of(failure));
      if (frame.header.request == 0) return;
      send_failure(*references_, connection, frame.header.request, failure, SendQueue::Mode::gather_on_loop);
  }
}

void NodeImpl::answer_unknown(const std::shared_ptr<Connection>& connection, const Frame& frame) {
  if (frame.header.request == 0) return;
  const Error error("unknown message kind " + std::to_string(static_cast<int>(frame.header.kind)),
                    ErrorKind::unimplemented);
  connection->send(FrameKind::result, result_exception, frame.header.request,
                   encode_exception(std::make_exception_ptr(error), self()), SendQueue::Mode::gather_on_loop);
}

// --- The way to other members. ---

bool NodeImpl::linked(Pid pid) {
  if (self() == master_pid || pid == master_pid) return true;
  const Topology topology = wiring().topology;
  if (topology.kind() == Topology::Kind::all_to_all) return true;  // the list may be long
  // Asked at the first message to another worker, and for each reference to one that cannot be reached.
  detail::MutexLock lock(neighbours_mutex_);
  if (const auto epoch = members_.epoch(); !neighbours_ || neighbours_epoch_ != epoch) {
    neighbours_ = topology.neighbours(self(), members_.list());
    neighbours_epoch_ = epoch;
  }
  return neighbours_->contains(pid);
}

bool NodeImpl::may_connect(Pid pid) { return wiring().relay || linked(pid); }

std::shared_ptr<Connection> NodeImpl::connection_to(Pid pid) {
  if (auto connection = members_.connection(pid)) return connection;
  if (members_.is_gone(pid)) throw ProcessExitedException(pid, members_.cause_of_end(pid));
  const bool may_dial = pid != master_pid && self() != master_pid && may_connect(pid);
  if (members_.contains(pid) && !may_dial) {
    throw Error("peer " + std::to_string(pid) + " is not connected to " + std::to_string(self()) +
                    ". Topology : " + wiring().topology.text(),
                ErrorKind::disconnected);
  }
  auto attempted = members_.attempt(pid);
  if (attempted.connection != nullptr) return attempted.connection;
  if (attempted.attempt == nullptr) {
    if (members_.is_gone(pid)) throw ProcessExitedException(pid, members_.cause_of_end(pid));  // since it was looked
    throw Error("no process with id " + std::to_string(pid) + " exists");
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
    throw_unreachable(pid, "peer " + std::to_string(pid) + " didn't connect to " + std::to_string(self()) + " within " +
                               in_seconds(limit));
  }
  if (!attempted.attempt->error.empty()) {
    throw_unreachable(pid, "process " + std::to_string(self()) + " cannot connect to peer " + std::to_string(pid) +
                               ": " + attempted.attempt->error);
  }
  if (auto connection = members_.connection(pid)) return connection;
  throw_unreachable(pid, "the connection to peer " + std::to_string(pid) + " ended as soon as it was made");
}

// It may be dying: then the connection is refused or lost before this process hears of its end.
void NodeImpl::throw_unreachable(Pid pid, const std::string& problem) {
  if (members_.is_gone(pid)) throw ProcessExitedException(pid, members_.cause_of_end(pid));
  if (const auto cause = role_->cause_if_gone(pid)) throw ProcessExitedException(pid, *cause);
  throw Error(problem, ErrorKind::disconnected);
}

void NodeImpl::dial(Pid pid, const std::string& address) {
  const auto fail = [this, pid] { finish_attempt(pid, message_of(std::current_exception())); };
  try {
    blocking_->run([this, pid, address, fail] {
      try {
        const auto deadline = deadline_after(timeouts().connect);
        add_connection(!linked(pid) ? tunnels_.open(pid)
                       : dialer_    ? dialer_(pid, address, deadline)
                                    : transport().connect(address, deadline),
                       pid);
      } catch (...) {
        fail();
      }
    });
  } catch (...) {
    fail();
  }
}

void NodeImpl::finish_attempt(Pid pid, const std::string& error) {
  auto attempt = members_.take_attempt(pid);
  if (attempt == nullptr) return;
  attempt->error = error;
  reactor_->complete(std::move(attempt));
}

void NodeImpl::membership_changed(bool tell_all) { parallel_->membership_changed(*this, tell_all); }

// --- Liveness. ---

void NodeImpl::start_heartbeat(const Timeouts& limits) {
  // Nobody is given up who was not asked several times before.
  const Duration interval =
      limits.heartbeat == never ? never : std::max(std::min(limits.heartbeat, limits.dead / 4), shortest_heartbeat);
  reactor_->post([this, interval] {
    if (interval == heartbeat_interval_) return;
    heartbeat_interval_ = interval;
    last_check_ = Clock::now();
    heartbeat_.start(
        *reactor_, interval, [this] { check_liveness(); }, interval);
  });
}

void NodeImpl::check_liveness() {
  const Timeouts limits = timeouts();
  const auto now = Clock::now();
  trim_segments(segment_rest);
  // Then it was this process that did not run (stopped, or a busy machine): what the others sent lies unread, and
  // they may have stood still with it. Their time counts from now.
  const bool was_away = now - std::exchange(last_check_, now) > sum({heartbeat_interval_, heartbeat_interval_});
  for (const auto& connection : std::set(connections_)) {
    if (!connection->established()) continue;
    if (was_away || (now - connection->last_received() >= limits.suspect && role_->is_stopped(connection->peer())))
      connection->count_silence_anew();
    const auto silence = now - connection->last_received();
    if (silence < limits.suspect) {
      if (suspects_.erase(connection.get()) > 0)
        log_warning("process " + std::to_string(connection->peer()) + " answers again");
    } else if (silence >= limits.dead) {
      connection->close("no answer for " + in_seconds(limits.dead));
      continue;
    } else if (suspects_.insert(connection.get()).second) {
      log_warning("process " + std::to_string(connection->peer()) + " is suspect: no answer for " +
                  in_seconds(limits.suspect));
    }
    // It asks for more and more, and its answers fill the memory here.
    if (const auto since = connection->takes_nothing_since(); since <= now && now - since >= limits.dead && !was_away) {
      connection->close("it sends, but has read nothing for " + in_seconds(limits.dead));
      continue;
    }
    // Also to one that is heard all the time: it may be sending so much that its own question waits behind that.
    connection->send(FrameKind::ping, 0, {}, SendQueue::Mode::ahead);
  }
}

}  // namespace cohort
