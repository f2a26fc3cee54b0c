#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <cohort/bytes.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>

#include "io/guarded_stream.hpp"
#include "io/reactor.hpp"

namespace cohort {

/// Sends frames on a Writer from any thread: at once from the calling thread if the writer is free, else in order after
/// the queued frames. `writing_` is a try-lock: only its holder touches the writer and current_, and drains pending_
/// before it releases the lock. After EAGAIN the queue is blocked until writable(). A frame that is sent `ahead` waits
/// only for the chunk that is being sent, however much is queued.
class SendQueue final : public Flushable, public std::enable_shared_from_this<SendQueue> {
 public:
  enum class Mode {
    now,             ///< the calling thread goes on: send
    before_wait,     ///< the calling thread waits next, and drives the loop if it can
    gather,          ///< more output follows soon
    gather_on_loop,  ///< more output follows in this turn of the loop
    ahead            ///< before the frames that are queued, which it has nothing to do with
  };

  /// @param blocked called, on any thread, after a write that found no room: it must arrange a call of writable().
  /// @param failed called once, on any thread, with the reason why nothing can be sent any more; not called if the peer
  /// is gone, because the reader notices that too.
  SendQueue(Reactor& reactor, std::unique_ptr<Writer> writer, std::function<void(bool soon)> blocked,
            std::function<void(const std::string& reason)> failed);

  /// Queues or sends one frame. Returns null, or a completion for which the caller must wait before it reuses the
  /// borrowed segments (also if the queue is so full that the sender should wait; the loop must not wait). On a broken
  /// connection the frame is dropped. @param is_answer whether it answers a request of the peer: see answers_pile_up().
  /// @throws std::bad_alloc if there is no memory to queue it: nothing of it is sent; or, if its beginning was already
  /// sent, the connection is broken.
  std::shared_ptr<Completion> send(std::span<const std::byte> head, std::span<const std::byte> body,
                                   std::span<const Segment> segments, Mode mode, bool is_answer = false);

  /// Whether the peer takes nothing and very many answers wait for it. Then no more requests should be read from it
  /// until writable() has found room. May be called from any thread.
  bool answers_pile_up() const { return answers_pile_up_.load(std::memory_order_relaxed); }

  /// Copies what is still to be sent of the borrowed segments of the message that has this completion, so that its
  /// sender need not wait until they have left. @return false: a thread is just writing; try again soon. Any thread.
  /// @throws std::bad_alloc.
  [[nodiscard]] bool copy_borrowed(const Completion& written);
  /// Copies what is still to be sent of the segments of this owner, and lets go of it. Nothing happens while a thread
  /// is writing. Senders and the loop wait meanwhile. Any thread. @throws std::bad_alloc.
  void copy_unsent(const void* owner);

  void flush(bool soon) override;
  /// Call it when there is room again. Loop thread only. @return whether the queue is blocked again.
  bool writable();
  /// Sends what can be sent without waiting, drops the rest, and closes the writer. Idempotent.
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
  using Written = std::vector<std::shared_ptr<Completion>>;
  struct Drained {  // what is to be told without the lock
    Written written;
    std::string failure;
    bool blocked = false;
  };

  void append(std::span<const std::byte> bytes) COHORT_REQUIRES(mutex_);
  void append(const Segment& segment, std::size_t skip) COHORT_REQUIRES(mutex_);
  std::shared_ptr<Completion> append_whole(std::span<const std::byte> head, std::span<const std::byte> body,
                                           std::span<const Segment> segments, bool is_answer) COHORT_REQUIRES(mutex_);
  void append_ahead(std::span<const std::byte> head, std::span<const std::byte> body, bool is_answer)
      COHORT_REQUIRES(mutex_);
  void take_ahead() COHORT_REQUIRES(mutex_);
  std::shared_ptr<Completion> ticket_for_last(std::span<const Segment> segments) COHORT_REQUIRES(mutex_);
  void count_answer() COHORT_REQUIRES(mutex_);
  void look_at_answers() COHORT_REQUIRES(mutex_);
  void break_off(int error, const std::string& reason) COHORT_REQUIRES(mutex_);
  void drain(Drained& drained) COHORT_REQUIRES(mutex_);
  void consume(std::size_t n, Written& written) COHORT_REQUIRES(mutex_);
  void drop_all(Written& written) COHORT_REQUIRES(mutex_);
  bool tell(Drained& drained) COHORT_EXCLUDES(mutex_);

  Reactor& reactor_;
  GuardedWriter writer_;
  const std::function<void(bool)> blocked_callback_;
  const std::function<void(const std::string&)> failed_callback_;

  // Of the holder of writing_.
  std::deque<Chunk> current_;
  std::size_t offset_ = 0;  // bytes of current_.front() that are gone

  detail::Mutex mutex_;
  std::deque<Chunk> pending_ COHORT_GUARDED_BY(mutex_);  // as current_, it ends with the end of a frame
  Chunk ahead_ COHORT_GUARDED_BY(mutex_);                // whole frames
  std::size_t queued_ COHORT_GUARDED_BY(mutex_) = 0;     // bytes in all three
  std::size_t answers_ COHORT_GUARDED_BY(mutex_) = 0;    // in all three
  std::vector<std::byte> spare_ COHORT_GUARDED_BY(mutex_);
  bool writing_ COHORT_GUARDED_BY(mutex_) = false;
  bool blocked_ COHORT_GUARDED_BY(mutex_) = false;
  // writable() was called during a write. A writer without a descriptor tells only once that there is room, and may do
  // so before the thread that found none has set blocked_: that thread then tries once more.
  bool room_came_ COHORT_GUARDED_BY(mutex_) = false;
  bool gathered_ COHORT_GUARDED_BY(mutex_) = false;
  bool broken_ COHORT_GUARDED_BY(mutex_) = false;
  bool closing_ COHORT_GUARDED_BY(mutex_) = false;
  std::string failure_ COHORT_GUARDED_BY(mutex_);  // to be told
  std::atomic<bool> answers_pile_up_{false};       // written under mutex_
};

}  // namespace cohort
