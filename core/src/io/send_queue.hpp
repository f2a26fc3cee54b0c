#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <cohort/bytes.hpp>
#include <cohort/io_pair.hpp>

#include "io/guarded_stream.hpp"
#include "io/reactor.hpp"

namespace cohort {

/// Sends frames on a Writer from any thread: at once from the calling thread where the writer is free, else in order
/// behind what is queued. `writing_` is the try-lock: its holder alone touches the writer and current_, and drains
/// pending_ before it lets go. After EAGAIN the queue is blocked until writable(). However much is queued, a frame that
/// is sent `ahead` waits only for the chunk that is being sent.
class SendQueue final : public Flushable, public std::enable_shared_from_this<SendQueue> {
 public:
  enum class Mode {
    now,             ///< the calling thread goes on: send
    before_wait,     ///< the calling thread waits next, and drives the loop if it can
    gather,          ///< more output follows soon
    gather_on_loop,  ///< more output follows in this turn of the loop
    ahead            ///< before the frames that are queued, which it has nothing to do with
  };

  /// @param blocked called after a write that found no room, on any thread: arrange for writable() to be called.
  /// @param failed called once, on any thread, with why nothing can be sent any more, unless the peer is gone: the
  /// reader notices that too.
  SendQueue(Reactor& reactor, std::unique_ptr<Writer> writer, std::function<void(bool soon)> blocked,
            std::function<void(const std::string& reason)> failed);

  /// Queues or sends one frame. Returns null, or what to wait for before the borrowed segments may be reused (also when
  /// the queue is so full that the sender should wait; the loop must not). A broken connection swallows the frame.
  /// @param is_answer to something that the peer asked for: see answers_pile_up().
  /// @throws std::bad_alloc: there is no memory to queue it, and nothing of it is sent; or, if its beginning is sent
  /// already, the connection is broken.
  std::shared_ptr<Completion> send(std::span<const std::byte> head, std::span<const std::byte> body,
                                   std::span<const Segment> segments, Mode mode, bool is_answer = false);

  /// Whether the peer takes nothing and very many answers wait for it. Then nothing should be read from it that asks
  /// for more, until writable() found room. Any thread.
  bool answers_pile_up() const { return answers_pile_up_.load(std::memory_order_relaxed); }

  void flush(bool soon) override;
  /// There is room again. Loop thread. @return whether it is blocked again.
  bool writable();
  /// Sends what can be sent at once, drops the rest and closes the writer. Idempotent.
  void close();
  int descriptor() const { return writer_.descriptor(); }
  GuardedWriter& writer() { return writer_; }

 private:
  struct Chunk {
    std::vector<std::byte> bytes;
    Segment segment;                      // used when bytes is empty
    std::shared_ptr<Completion> written;  // completed when the chunk left, or was dropped
    std::size_t answers = 0;              // those that end in it
    bool begins_frame = false;            // else it may be the rest of one
    std::span<const std::byte> span() const {
      return bytes.empty() ? std::span(segment.data, segment.size) : std::span<const std::byte>(bytes);
    }
  };
  using Lock = std::unique_lock<std::mutex>;
  using Written = std::vector<std::shared_ptr<Completion>>;

  void append(std::span<const std::byte> bytes);
  void append(const Segment& segment, std::size_t skip);
  std::shared_ptr<Completion> append_whole(std::span<const std::byte> head, std::span<const std::byte> body,
                                           std::span<const Segment> segments, bool is_answer);
  void append_ahead(std::span<const std::byte> head, std::span<const std::byte> body, bool is_answer);
  void take_ahead();
  std::shared_ptr<Completion> ticket_for_last(std::span<const Segment> segments);
  void count_answer();
  void look_at_answers();
  void break_off(int error, const std::string& reason);
  void drain(Lock& lock, Written& written);
  void consume(std::size_t n, Written& written);
  void drop_all(Written& written);
  bool tell(Lock& lock, Written& written);

  Reactor& reactor_;
  GuardedWriter writer_;
  const std::function<void(bool)> blocked_callback_;
  const std::function<void(const std::string&)> failed_callback_;

  std::mutex mutex_;  // guards all below but current_ and offset_, which belong to the holder of writing_
  std::deque<Chunk> pending_, current_;  // both end with the end of a frame
  Chunk ahead_;                          // whole frames
  std::size_t offset_ = 0;               // bytes of current_.front() that are gone
  std::size_t queued_ = 0;               // bytes in all three
  std::size_t answers_ = 0;              // in all three
  std::vector<std::byte> spare_;
  bool writing_ = false, blocked_ = false, gathered_ = false, broken_ = false, closing_ = false;
  std::string failure_;                       // to be told
  std::atomic<bool> answers_pile_up_{false};  // written under mutex_
};

}  // namespace cohort
