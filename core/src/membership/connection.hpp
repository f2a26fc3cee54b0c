#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <cohort/io_pair.hpp>

#include "io/guarded_stream.hpp"
#include "io/loop_handles.hpp"
#include "io/send_queue.hpp"
#include "io/timers.hpp"
#include "membership/requests.hpp"
#include "wire/frame.hpp"
#include "wire/handshake.hpp"

namespace cohort {

class ArrivedWorkers;

/// One authenticated connection to another process: the handshake, then frames in both directions. Owned by the members
/// table (or by the acceptor until it is identified), and by every thread that sends on it.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  /// Loop thread, all of them.
  class Handler {
   public:
    virtual ~Handler();
    virtual void on_established(const std::shared_ptr<Connection>& connection) = 0;
    virtual void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) = 0;
    /// Once, for every connection that was opened. @param reason a sentence for people.
    virtual void on_closed(const std::shared_ptr<Connection>& connection, const std::string& reason) = 0;
  };

  Connection(Reactor& reactor, Handler& handler, IoPair pair, Handshake::Role role, const Identity& mine,
             std::string_view secret, std::weak_ptr<JoinTokens> tokens = {});
  ~Connection();

  /// Starts the handshake. Loop thread, once. The handler must outlive the reactor's last turn.
  void start(Duration handshake_timeout);

  /// Sends one frame; see SendQueue::send for the result. `references` name the payload's references, if it has any;
  /// `prefix` is sent before the payload's body. @throws Error if it is too large for a frame, and std::bad_alloc: then
  /// nothing is sent, and the connection continues.
  std::shared_ptr<Completion> send(FrameKind kind, std::uint8_t flags, std::uint64_t request, const Payload& payload,
                                   SendQueue::Mode mode, std::span<const ReferenceEntry> references = {},
                                   std::span<const std::byte> prefix = {});
  /// A frame without segments.
  void send(FrameKind kind, std::uint64_t request, std::span<const std::byte> body, SendQueue::Mode mode);

  /// See SendQueue.
  [[nodiscard]] bool copy_borrowed(const Completion& written) { return output_->copy_borrowed(written); }
  /// See SendQueue::copy_unsent().
  void copy_unsent(const void* owner) { output_->copy_unsent(owner); }

  /// Ends the connection, and tells the peer why; on_closed comes on the loop. Any thread, idempotent.
  void close(const std::string& reason);
  /// The reason that the peer gave for the end of the connection; "" if it gave none. Valid after on_closed.
  const std::string& last_word() const { return last_word_; }

  bool dialled() const { return role_ == Handshake::Role::dialer; }
  /// What the peer told about itself in the handshake. Valid once established.
  const Identity& peer_identity() const { return handshake_->peer(); }
  /// The cookie that a master told this worker, which joined by a token. Valid once established.
  const std::string& told_cookie() const { return handshake_->cookie(); }
  /// The peer's id in the cluster. Set once by the handler on the loop.
  Pid peer() const { return peer_.load(std::memory_order_relaxed); }
  void set_peer(Pid pid) { peer_.store(pid, std::memory_order_relaxed); }
  /// Who accepted the connection; set before start(), if anybody is to know.
  void set_acceptor(std::weak_ptr<ArrivedWorkers> acceptor) { acceptor_ = std::move(acceptor); }
  std::shared_ptr<ArrivedWorkers> acceptor() const { return acceptor_.lock(); }

  RequestTable& requests() { return requests_; }
  /// When bytes last came in. Loop thread.
  Clock::time_point last_received() const { return last_received_; }
  /// Since when the peer has taken nothing although very many answers wait for it; max() if it reads its answers.
  /// Loop thread.
  Clock::time_point takes_nothing_since() const { return takes_nothing_since_; }
  /// Counts the silence from now on, because one of the two processes did not run in the meantime. Loop thread.
  void count_silence_anew() { last_received_ = Clock::now(); }
  bool established() const { return established_.load(std::memory_order_acquire); }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  template <class Body>
  void guarded(Body&& body) noexcept;
  void begin(Duration handshake_timeout);
  void output_is_blocked(bool soon);
  void watch();
  void on_ready(bool readable, bool writable);
  void on_writable();
  void pause();
  void resume();
  void read_some();
  bool read_once();
  bool take_frames(std::size_t count);
  bool take_frame(Frame&& frame);
  /// @return whether to go on reading.
  bool take_handshake(std::span<const std::byte> bytes);
  void farewell(const std::string& reason);
  /// @param tell_peer it is this side that ends the connection.
  void finish(const std::string& reason, bool tell_peer = true);

  Reactor& reactor_;
  Handler& handler_;
  const Handshake::Role role_;
  GuardedReader reader_;
  const std::shared_ptr<SendQueue> output_;
  RequestTable requests_;
  std::weak_ptr<ArrivedWorkers> acceptor_;
  std::atomic<Pid> peer_{no_pid};
  std::atomic<bool> established_{false}, closed_{false};

  // Loop thread only.
  std::optional<Handshake> handshake_;
  FrameDecoder decoder_;
  PollWatcher input_watcher_, output_watcher_;  // the second one only where the writer has a descriptor of its own
  Timer timer_;  // the handshake's deadline; then, while paused_, for a read now and then
  Clock::time_point last_received_{};
  Clock::time_point takes_nothing_since_ = Clock::time_point::max();
  std::string last_word_;
  bool waits_for_room_ = false;  // the writer found no room
  bool paused_ = false;          // nothing is read: the peer does not take the answers
  bool finished_ = false;
};

}  // namespace cohort
