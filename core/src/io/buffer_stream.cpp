#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>

namespace cohort {
namespace {

// Calls the callback of a half from other threads, never under the stream's lock. No call runs after clear().
class ReadyCallback {
 public:
  // Sets the callback. If call() was called while no callback was set, calls the new one at once.
  void set(std::function<void()> ready) {
    bool make_up;
    {
      const detail::MutexLock lock(mutex_);
      ready_ = std::move(ready);
      make_up = ready_ && std::exchange(missed_, false);
    }
    if (make_up) call();
  }

  void call() {
    const auto self = std::this_thread::get_id();
    detail::MutexLock lock(mutex_);
    missed_ = !ready_;
    if (!ready_) return;
    const auto ready = ready_;
    running_.push_back(self);
    lock.unlock();
    try {
      ready();
    } catch (...) {
      ended(self);  // else clear() would wait for ever
      throw;
    }
    ended(self);
  }

  // Removes the callback, and waits for running calls on other threads; a call on this thread is the caller itself.
  void clear() {
    const auto self = std::this_thread::get_id();
    detail::MutexLock lock(mutex_);
    ready_ = nullptr;
    const auto is_self = [self](std::thread::id id) { return id == self; };
    while (!std::all_of(running_.begin(), running_.end(), is_self)) none_running_.wait(mutex_);
  }

 private:
  void ended(std::thread::id caller) {
    const detail::MutexLock lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), caller));
    none_running_.notify_all();
  }

  detail::Mutex mutex_;  // not held during a callback
  std::function<void()> ready_ COHORT_GUARDED_BY(mutex_);
  bool missed_ COHORT_GUARDED_BY(mutex_) = false;
  std::vector<std::thread::id> running_ COHORT_GUARDED_BY(mutex_);
  detail::ConditionVariable none_running_;
};

}  // namespace

struct BufferStream::State {
  explicit State(std::size_t bytes) : capacity(std::max<std::size_t>(bytes, 1)) {}

  const std::size_t capacity;
  ReadyCallback readable;
  ReadyCallback writable;

  detail::Mutex mutex;                                         // not held during a callback
  std::unique_ptr<std::byte[]> ring COHORT_GUARDED_BY(mutex);  // made at the first write: an idle stream costs nothing
  std::size_t head COHORT_GUARDED_BY(mutex) = 0;               // where the oldest byte is
  std::size_t size COHORT_GUARDED_BY(mutex) = 0;               // bytes held
  bool reader_closed COHORT_GUARDED_BY(mutex) = false;
  bool writer_closed COHORT_GUARDED_BY(mutex) = false;
  bool reader_waits COHORT_GUARDED_BY(mutex) = false;  // was told -EAGAIN and not called since
  bool writer_waits COHORT_GUARDED_BY(mutex) = false;
  bool reader_taken COHORT_GUARDED_BY(mutex) = false;
  bool writer_taken COHORT_GUARDED_BY(mutex) = false;

  void put(const std::byte* bytes, std::size_t count) COHORT_REQUIRES(mutex) {
    if (count == 0) return;
    if (!ring) ring.reset(new std::byte[capacity]);
    const std::size_t tail = (head + size) % capacity;
    const std::size_t first = std::min(count, capacity - tail);
    std::memcpy(ring.get() + tail, bytes, first);
    std::memcpy(ring.get(), bytes + first, count - first);
    size += count;
  }

  void take(std::byte* bytes, std::size_t count) COHORT_REQUIRES(mutex) {
    if (count == 0) return;
    const std::size_t first = std::min(count, capacity - head);
    std::memcpy(bytes, ring.get() + head, first);
    std::memcpy(bytes + first, ring.get(), count - first);
    size -= count;
    head = size == 0 ? 0 : (head + count) % capacity;
  }

  void close_reader() {
    bool wake_writer;
    {
      const detail::MutexLock lock(mutex);
      wake_writer = !reader_closed;
      reader_closed = true;
      ring.reset();
      head = size = 0;
    }
    readable.clear();
    if (wake_writer) writable.call();
  }

  void close_writer() {
    bool wake_reader;
    {
      const detail::MutexLock lock(mutex);
      wake_reader = !writer_closed;
      writer_closed = true;
    }
    writable.clear();
    if (wake_reader) readable.call();
  }
};

namespace {

template <class State>
class BufferReader final : public Reader {
 public:
  explicit BufferReader(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~BufferReader() override { state_->close_reader(); }

  ssize_t read(std::span<std::byte> buffer) override {
    std::size_t count;
    bool wake_writer;
    {
      const detail::MutexLock lock(state_->mutex);
      if (state_->reader_closed) return -ECANCELED;
      if (state_->size == 0) {
        if (state_->writer_closed) return 0;
        state_->reader_waits = true;
        return -EAGAIN;
      }
      count = std::min(buffer.size(), state_->size);
      state_->take(buffer.data(), count);
      wake_writer = std::exchange(state_->writer_waits, false);
    }
    if (wake_writer) state_->writable.call();
    return static_cast<ssize_t>(count);
  }

  void on_readable(std::function<void()> ready) override { state_->readable.set(std::move(ready)); }

  void close() override { state_->close_reader(); }

 private:
  const std::shared_ptr<State> state_;
};

template <class State>
class BufferWriter final : public Writer {
 public:
  explicit BufferWriter(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~BufferWriter() override { state_->close_writer(); }

  ssize_t write(std::span<const iovec> parts) override {
    std::size_t wanted = 0;
    std::size_t written = 0;
    bool wake_reader;
    {
      const detail::MutexLock lock(state_->mutex);
      if (state_->writer_closed || state_->reader_closed) return -EPIPE;
      for (const iovec& part : parts) {
        const std::size_t count = std::min(part.iov_len, state_->capacity - state_->size);
        state_->put(static_cast<const std::byte*>(part.iov_base), count);
        wanted += part.iov_len;
        written += count;
      }
      // Also after a short write: nobody should have to ask a second time to be called.
      if (written < wanted) state_->writer_waits = true;
      if (written == 0 && wanted > 0) return -EAGAIN;
      wake_reader = written > 0 && std::exchange(state_->reader_waits, false);
    }
    if (wake_reader) state_->readable.call();
    return static_cast<ssize_t>(written);
  }

  void on_writable(std::function<void()> ready) override { state_->writable.set(std::move(ready)); }

  void close() override { state_->close_writer(); }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace

BufferStream::BufferStream(std::size_t capacity) : state_(std::make_shared<State>(capacity)) {}

// A half that nobody took will not come any more.
BufferStream::~BufferStream() {
  bool reader_taken;
  bool writer_taken;
  {
    const detail::MutexLock lock(state_->mutex);
    reader_taken = state_->reader_taken;
    writer_taken = state_->writer_taken;
  }
  if (!reader_taken) state_->close_reader();
  if (!writer_taken) state_->close_writer();
}

std::unique_ptr<Reader> BufferStream::reader() {
  {
    const detail::MutexLock lock(state_->mutex);
    if (std::exchange(state_->reader_taken, true)) throw Error("BufferStream::reader() was called twice");
  }
  return std::make_unique<BufferReader<State>>(state_);
}

std::unique_ptr<Writer> BufferStream::writer() {
  {
    const detail::MutexLock lock(state_->mutex);
    if (std::exchange(state_->writer_taken, true)) throw Error("BufferStream::writer() was called twice");
  }
  return std::make_unique<BufferWriter<State>>(state_);
}

std::pair<IoPair, IoPair> make_buffer_pair(std::size_t capacity) {
  BufferStream there(capacity);
  BufferStream back(capacity);
  IoPair first{back.reader(), there.writer()};
  IoPair second{there.reader(), back.writer()};
  return {std::move(first), std::move(second)};
}

}  // namespace cohort
