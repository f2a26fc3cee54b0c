#pragma once

#include <uv.h>

#include <array>
#include <cstddef>

#include "floors.hpp"
#include "samples.hpp"

namespace floors {

/// One TCP connection on a libuv loop of its own; asks or echoes like raw_ping_pong, everything in callbacks.
class UvConnection {
 public:
  explicit UvConnection(int descriptor);  ///< takes the socket
  ~UvConnection();
  UvConnection(const UvConnection&) = delete;
  UvConnection& operator=(const UvConnection&) = delete;

  Samples ask(int count);
  void echo(int count);

 private:
  void run(int messages);
  void send();
  void on_message();
  void stop(int status);
  static UvConnection& self(void* handle) {
    return *static_cast<UvConnection*>(static_cast<uv_handle_t*>(handle)->data);
  }

  uv_loop_t loop_;
  uv_tcp_t socket_;
  uv_timer_t limit_;  // 30 s for one run
  std::array<char, message_bytes> message_{};
  std::size_t received_ = 0;  // bytes of the current message
  int left_ = 0;              // messages still to come in this run
  bool asking_ = false;
  int status_ = 0;  // negative: the libuv error that ended the run
  Samples samples_;
  Samples::Clock::time_point sent_at_;
};

}  // namespace floors
