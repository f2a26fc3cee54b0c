#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "samples.hpp"

/// What the machine itself reaches, in plain C++ without cohort: the floors that cohort's figures are divided by.
/// All of it throws std::runtime_error with the system's message; no wait is longer than 30 s. One thread, unless it
/// says otherwise.
namespace floors {

inline constexpr std::size_t message_bytes = 64;

class HandWritten;
class UvConnection;

/// A child process of this program that answers. One process serves every kind in turn, so that all kinds are measured
/// between the same two processes in the same state.
class Peer {
 public:
  Peer();
  ~Peer();  ///< ends the child and reaps it
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Samples raw_tcp_round_trips(int count);   ///< blocking sockets on both sides
  Samples raw_unix_round_trips(int count);  ///< the same over a Unix stream socket
  Samples libuv_round_trips(int count);     ///< TCP, a libuv loop on both sides, everything on the loop's thread
  /// Sends `bytes` over TCP from a warm buffer into a warm buffer; the answer is 8 bytes. Once per sample.
  Samples raw_tcp_bulk(std::size_t bytes, int count);
  /// A client with futures, see floors/hand_written.hpp, to which the child will now answer just so many calls.
  HandWritten& hand_written(int calls);

 private:
  void request(char kind, std::size_t bytes, int count);

  pid_t process_ = -1;
  int control_ = -1;
  int tcp_ = -1;
  int unix_ = -1;
  std::unique_ptr<UvConnection> uv_;
  std::unique_ptr<HandWritten> calls_;
  std::vector<char> bulk_;  // kept, so that its pages are warm
};

/// Whether this process was started by Peer; main() must then return serve_peer(argv) at once.
bool is_peer(int argc, char** argv);
int serve_peer(char** argv);

/// posix_spawn of `count` small dynamically linked C++ programs (libuv loop, iostream, one more thread) that connect
/// back over TCP, until each has answered one message. The program is `floor_worker`, beside this one.
Samples spawn_and_answer(int count);
/// From the kill -9 of such a program to the end of its connection, `count` times.
Samples kill_and_notice(int count);

}  // namespace floors
