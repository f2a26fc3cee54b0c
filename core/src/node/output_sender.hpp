#pragma once

#include <array>
#include <functional>
#include <memory>

#include "base/redirected_output.hpp"
#include "io/loop_handles.hpp"
#include "membership/connection.hpp"

namespace cohort {

/// Sends what this process prints to the master, from its construction until finish(). One piece of each output is
/// under way at a time: if the master's own output is not read, functions wait when they print, as with any pipe.
/// Loop thread only.
class OutputSender {
 public:
  /// @throws Error if the system has no descriptor left.
  OutputSender(Reactor& reactor, std::shared_ptr<Connection> master);
  /// Lets the process print where it did before; what was not sent goes there, too.
  ~OutputSender();

  /// Lets the process print where it did before, sends what is left, and then calls `done`.
  void finish(std::function<void()> done);

 private:
  struct Stream {
    std::uint8_t flag = 0;
    PollWatcher watcher;
    bool under_way = false;
    bool empty = false;  // after finish()
  };
  void watch(Stream& stream);
  void send_next(Stream& stream);

  Reactor& reactor_;
  const std::shared_ptr<Connection> master_;
  RedirectedOutput output_;
  std::array<Stream, 2> streams_;
  std::function<void()> done_;  // set by finish()
  // Answers that come when this object is gone find that out.
  const std::shared_ptr<OutputSender*> self_ = std::make_shared<OutputSender*>(this);
};

}  // namespace cohort
