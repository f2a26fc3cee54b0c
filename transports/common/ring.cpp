#include "ring.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <cohort/error.hpp>

namespace cohort_shm {
namespace {

using cohort::Clock;

constexpr std::size_t piece = 64 << 10;  // copied at once: both processes copy at the same time, from cache to cache
constexpr std::size_t small_part = 4 << 10;    // of the ring: all that small messages use
constexpr std::size_t most_kept = 64 << 10;    // of the ring: these pages are never given back
constexpr std::size_t longest_read = 1 << 20;  // then other connections have a turn

[[noreturn]] void blame_peer() {
  throw cohort::Error("the process at the other end broke the rules of the ring that it shares with this one");
}

// @return false: it is full.
bool ring_bell(int bell) {
  const char one = 1;
  ssize_t count;
  while ((count = ::write(bell, &one, 1)) < 0 && errno == EINTR) continue;
  return count == 1;
}

// Takes a packet out of a bell. @return 1; 0: the other end is gone; -1: there is none.
int silence_bell(int bell) {
  char one;
  ssize_t count;
  while ((count = ::read(bell, &one, 1)) < 0 && errno == EINTR) continue;
  return count < 0 ? -1 : count > 0 ? 1 : 0;
}

class RingWriter final : public cohort::Writer {
 public:
  RingWriter(std::shared_ptr<Link> link, cohort::Duration keep)
      : link_(std::move(link)), ring_(link_->out()), state_(*ring_.state), keep_(keep) {}
  ~RingWriter() override { close(); }

  int descriptor() const override { return link_->bell_out(); }

  ssize_t write(std::span<const iovec> parts) override {
    std::size_t wanted = 0;
    for (const iovec& part : parts) wanted += part.iov_len;
    while (true) {
      if (closed_.load(std::memory_order_relaxed) || state_.reader_closed.load(std::memory_order_acquire) != 0)
        return -EPIPE;
      if (wanted == 0) return 0;
      begin_anew(wanted);
      if (const std::size_t count = put(parts); count != 0) return static_cast<ssize_t>(count);
      if (!room_comes()) return peer_is_gone() ? -EPIPE : -EAGAIN;
    }
  }

  void close() override {
    if (closed_.exchange(true)) return;
    state_.writer_closed.store(1);
    wake_reader();
  }

 private:
  std::size_t place_of(std::uint64_t count) const { return (count - base_) & (ring_.capacity - 1); }

  std::size_t look_for_room() {
    const std::uint64_t used = written_ - state_.read.load();
    if (used > ring_.capacity) blame_peer();
    room_ = ring_.capacity - static_cast<std::size_t>(used);
    return room_;
  }

  // While the ring is empty, the next byte can go to its beginning. So messages that are read one by one stay in the
  // first page, and an idle connection has few pages; what a large message needed is given back later. The reader may
  // not know the new base when it is stored, but it has read all that was written, and loads the base only after it has
  // seen that more was.
  void begin_anew(std::size_t wanted) {
    const bool gives_back = touched_ > most_kept && Clock::now() - large_at_ >= keep_;
    if (!gives_back && (place_of(written_) + wanted <= small_part || written_ == base_)) return;
    if (look_for_room() != ring_.capacity) return;
    base_ = written_;
    state_.base.store(base_, std::memory_order_relaxed);
    if (!gives_back) return;
    ::madvise(ring_.bytes + most_kept, touched_ - most_kept, MADV_REMOVE);
    touched_ = most_kept;
  }

  // Copies what there is room for, in pieces. @return the number of bytes.
  std::size_t put(std::span<const iovec> parts) {
    std::size_t all = 0, unseen = 0, end = 0;
    bool full = false;  // kept: the reader may make room at any moment, but then this part goes on and not the next one
    for (const iovec& part : parts) {
      const auto* from = static_cast<const std::byte*>(part.iov_base);
      for (std::size_t left = part.iov_len; left != 0 && !full;) {
        if (room_ == 0 && look_for_room() == 0) {
          full = true;
          break;
        }
        const std::size_t place = place_of(written_);
        const std::size_t count = std::min({left, room_, ring_.capacity - place, piece - unseen});
        std::memcpy(ring_.bytes + place, from, count);
        end = std::max(end, place + count);
        from += count;
        left -= count;
        all += count;
        room_ -= count;
        written_ += count;
        unseen += count;
        if (unseen == piece) show(std::exchange(unseen, 0));
      }
    }
    show(unseen);
    touched_ = std::max(touched_, end);
    if (end > most_kept) large_at_ = Clock::now();
    return all;
  }

  void show(std::size_t unseen) {
    if (unseen == 0) return;
    state_.written.store(written_);
    wake_reader();
  }

  void wake_reader() {
    if (state_.reader_sleeps.load() != 0 && state_.reader_sleeps.exchange(0) != 0) ring_bell(link_->bell_out());
  }

  // The ring is full. @return whether it is no longer, or the other side does not read any more: else the bell is full
  // until there is room.
  bool room_comes() {
    if (state_.writer_waits.load() != 0) return false;  // it is still full
    // With a packet too many the bell is full already. Then there is none to take out for this side, which is ready
    // when the reader has taken out that one, at the latest before it waits.
    if (!ring_bell(link_->bell_out())) return false;
    state_.writer_waits.store(1);
    if (look_for_room() == 0 && state_.reader_closed.load() == 0 && !closed_.load(std::memory_order_relaxed))
      return false;
    if (state_.writer_waits.exchange(0) != 0) silence_bell(link_->bell_out());
    return true;
  }

  // As the reader's half would see it, which may not be polled now.
  bool peer_is_gone() const {
    pollfd bell{link_->bell_in(), 0, 0};
    return ::poll(&bell, 1, 0) == 1 && (bell.revents & (POLLHUP | POLLERR)) != 0;
  }

  const std::shared_ptr<Link> link_;
  const Ring ring_;
  RingState& state_;
  const cohort::Duration keep_;
  std::atomic<bool> closed_{false};
  std::uint64_t written_ = 0, base_ = 0;
  std::size_t room_ = 0;          // at least
  std::size_t touched_ = 0;       // bytes at the beginning of the ring that may have pages
  Clock::time_point large_at_{};  // when much was written
};

/// Whether a reader looks for the next bytes for a moment before it sleeps: that saves two system calls and a switch of
/// threads, but takes a processor.
class Spinning {
 public:
  /// Looks at `come` again and again, unless another reader of this process received something meanwhile. @return
  /// whether it came true.
  template <class Come>
  bool spin(Come&& come) {
    if (last_.load(std::memory_order_relaxed) != this) return false;
    const auto until = Clock::now() + longest;
    do {
      for (int look = 0; look < looks; ++look) {
        if (come()) {
          credit_ = std::min(credit_ + 2, most_credit);
          return true;
        }
        relax();
      }
      ::sched_yield();  // whoever waits for this processor may be the one to write
    } while (Clock::now() < until);
    credit_ = std::max(credit_ - 1, 0);
    return false;
  }

  /// Bytes came to this reader.
  void received() { again_ = last_.exchange(this, std::memory_order_relaxed) == this; }
  /// Whether to spin() for what comes next: not if the last ones were for nothing, but for a trial now and then. And
  /// not while several readers of this process receive: one would wait for the spinning of another.
  bool pays() {
    if (!may_spin_ || !again_) return false;
    return credit_ > 0 || ++passed_ % trials == 0;
  }

 private:
  static constexpr cohort::Duration longest = std::chrono::microseconds(20);
  static constexpr int looks = 32, most_credit = 8, trials = 32;

  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // Of this thread. Not cohort::usable_cpus(), which reads files: that would be paid by each worker that starts.
  static int usable_processors() {
    cpu_set_t set;
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;  // fails with more than 1024
  }

  static inline std::atomic<const void*> last_{nullptr};  // who received last
  const bool may_spin_ = usable_processors() > 1;
  bool again_ = false;  // that was this one before, too
  int credit_ = 0;
  unsigned passed_ = 0;
};

class RingReader final : public cohort::Reader {
 public:
  explicit RingReader(std::shared_ptr<Link> link) : link_(std::move(link)), ring_(link_->in()), state_(*ring_.state) {}
  ~RingReader() override { close(); }

  int descriptor() const override { return link_->bell_in(); }

  ssize_t read(std::span<std::byte> buffer) override {
    if (closed_.load(std::memory_order_relaxed)) return 0;
    buffer = buffer.first(std::min(buffer.size(), longest_read));
    std::size_t all = 0;
    while (all < buffer.size()) {
      const bool at_end = state_.writer_closed.load() != 0 || peer_is_gone_;  // first: what is written then is all
      if (const std::size_t there = look_for_bytes(); there != 0) {
        all += take(buffer.subspan(all), there);
      } else if (at_end) {
        break;
      } else if (all != 0 && spinning_.pays()) {
        may_spin_ = true;
        return static_cast<ssize_t>(all);  // the bell is still ready, so this is called again
      } else if (!bytes_come_soon() && !bytes_come()) {
        return all != 0 ? static_cast<ssize_t>(all) : -EAGAIN;
      }
    }
    return static_cast<ssize_t>(all);
  }

  void close() override {
    if (closed_.exchange(true)) return;
    state_.reader_closed.store(1);
    wake_writer();
  }

 private:
  std::size_t look_for_bytes() const {
    const std::uint64_t there = state_.written.load() - read_;
    if (there > ring_.capacity) blame_peer();
    return static_cast<std::size_t>(there);
  }

  std::size_t take(std::span<std::byte> buffer, std::size_t there) {
    const std::size_t place = (read_ - state_.base.load(std::memory_order_relaxed)) & (ring_.capacity - 1);
    const std::size_t count = std::min({buffer.size(), there, ring_.capacity - place, piece});
    std::memcpy(buffer.data(), ring_.bytes + place, count);
    read_ += count;
    state_.read.store(read_);
    spinning_.received();
    if (there - count <= ring_.capacity / 2) wake_writer();
    return count;
  }

  void wake_writer() {
    if (state_.writer_waits.load() != 0 && state_.writer_waits.exchange(0) != 0) silence_bell(link_->bell_in());
  }

  bool bytes_come_soon() {
    return std::exchange(may_spin_, false) &&
           spinning_.spin([&] { return state_.written.load() != read_ || state_.writer_closed.load() != 0; });
  }

  // The ring is empty. @return whether to look again: else this side is known to wait, and the bell is silent, unless
  // it rings just now.
  bool bytes_come() {
    if (asleep_) {
      const bool is_ready = bell_is_ready();   // first: a packet that is there before anybody rang is one too many
      if (state_.reader_sleeps.load() == 0) {  // it was, or is just, rung for that
        asleep_ = false;
      } else {
        // What comes now is rung for, so a packet is taken out only if there was one: the next one must stay.
        if (is_ready) peer_is_gone_ = silence_bell(link_->bell_in()) == 0;
        return peer_is_gone_;
      }
    }
    state_.reader_sleeps.store(1);
    if (look_for_bytes() == 0 && state_.writer_closed.load() == 0) {
      asleep_ = true;
      peer_is_gone_ = silence_bell(link_->bell_in()) == 0;
      return peer_is_gone_;
    }
    if (state_.reader_sleeps.exchange(0) == 0) silence_bell(link_->bell_in());  // it was rung all the same
    return true;
  }

  bool bell_is_ready() const {
    pollfd bell{link_->bell_in(), POLLIN, 0};
    return ::poll(&bell, 1, 0) == 1;
  }

  const std::shared_ptr<Link> link_;
  const Ring ring_;
  RingState& state_;
  std::atomic<bool> closed_{false};
  std::uint64_t read_ = 0;
  bool asleep_ = true;     // it was said that this side waits
  bool may_spin_ = false;  // the last read has not said that this side waits
  Spinning spinning_;
  bool peer_is_gone_ = false;
};

}  // namespace

Link::Link(const cohort::FileDescriptor& memory, cohort::FileDescriptor in, cohort::FileDescriptor out, bool first)
    : bells_(cohort::make_descriptor_pair(in.release(), out.release())) {
  void* mapping = ::mmap(nullptr, link_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapping == MAP_FAILED)
    throw cohort::Error("cannot map a memory of " + std::to_string(link_bytes >> 10) +
                            " KiB: " + std::generic_category().message(errno),
                        cohort::ErrorKind::overloaded);
  mapped_ = static_cast<std::byte*>(mapping);
  auto* states = reinterpret_cast<RingState*>(mapped_);
  if (first) states[0].reader_sleeps = states[1].reader_sleeps = 1;
  const Ring of_first{&states[0], mapped_ + 4096, ring_capacity};
  const Ring of_second{&states[1], mapped_ + 4096 + ring_capacity, ring_capacity};
  in_ = first ? of_second : of_first;
  out_ = first ? of_first : of_second;
}

Link::~Link() { ::munmap(mapped_, link_bytes); }

cohort::IoPair make_ring_pair(std::shared_ptr<Link> link, cohort::Duration keep) {
  auto reader = std::make_unique<RingReader>(link);
  return {std::move(reader), std::make_unique<RingWriter>(std::move(link), keep)};
}

}  // namespace cohort_shm
