#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "floors.hpp"
#include "samples.hpp"

namespace floors {

using Message = std::array<char, message_bytes>;

/// Remote calls as one writes them by hand who needs only these: a table of functions, a table of open calls by their
/// id, futures, one TCP connection, and a thread that reads the answers. Any thread may submit calls. With few of them
/// open, each is sent at once; otherwise those of the meantime are gathered into one write, as the other side gathers
/// its answers. There are no types, no exceptions, no deadlines and no cancellation; a lost connection fails all calls.
class HandWritten {
  struct Slot {
    std::atomic<int> done{0};  // 1: the result is here, -1: it will never be
    std::size_t size = 0;
    Message result;
  };

 public:
  enum Function : std::uint32_t { no_op, echo };

  class Future {
   public:
    /// @throws std::runtime_error if the connection is lost.
    const Message& get() const;
    bool valid() const { return slot_ != nullptr; }

   private:
    friend class HandWritten;
    HandWritten* client_ = nullptr;
    std::shared_ptr<Slot> slot_;
  };

  explicit HandWritten(int descriptor);  ///< a connected socket, which it takes
  ~HandWritten();
  HandWritten(const HandWritten&) = delete;
  HandWritten& operator=(const HandWritten&) = delete;

  Future submit(Function function, const void* argument, std::size_t size);

 private:
  void flush(bool may_wait);
  void read_answers();
  std::size_t take_answers(const char* data, std::size_t size);
  void fail_all();

  const int descriptor_;
  std::mutex mutex_;  // guards the four below
  bool lost_ = false;
  std::uint64_t next_id_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Slot>> open_;
  std::vector<char> queued_;
  std::mutex writing_;         // guards the two below; taken before mutex_, and never held while waiting for the socket
  std::vector<char> sending_;  // the rest of it, from `sent_` on, is still to be sent
  std::size_t sent_ = 0;
  std::vector<std::shared_ptr<Slot>> answered_;  // the reader's
  std::thread reader_;
};

/// The other side: answers `count` calls, and returns.
void serve_calls(int descriptor, int count);

Samples round_trips(HandWritten& client, int count);
/// No-op calls whose results are fetched in order, `open` behind the newest. One sample: the time of all.
Samples pipelined(HandWritten& client, int count, int open);

}  // namespace floors
