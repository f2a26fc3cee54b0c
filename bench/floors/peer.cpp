#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>

#include "floors.hpp"
#include "floors/hand_written.hpp"
#include "floors/libuv_echo.hpp"
#include "floors/raw_bulk.hpp"
#include "floors/raw_ping_pong.hpp"
#include "floors/sockets.hpp"

// The two processes share: a control socket (which kind comes next), a Unix socket, and three TCP connections: one
// blocking, one for libuv, and one for calls with futures. Everything is connected once, so that no measurement pays
// for it.

namespace floors {

namespace {

constexpr std::string_view peer_flag = "--floor-peer";
constexpr int control_in_peer = 3;
constexpr int unix_in_peer = 4;

struct Request {
  char kind;  // t: raw TCP, u: raw Unix, v: libuv, b: bulk, c: calls
  std::size_t bytes;
  int count;
};

struct SocketPair {
  SocketPair() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  }
  int ends[2];  // 0: kept here, 1: the child's
};

pid_t spawn_peer(const SocketPair& control, const SocketPair& messages, int port) {
  // Above the numbers that they are given in the child, or one dup2 would close what the next one needs.
  const int child_control = fcntl(control.ends[1], F_DUPFD_CLOEXEC, 10);
  const int child_messages = fcntl(messages.ends[1], F_DUPFD_CLOEXEC, 10);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_control, control_in_peer);
  posix_spawn_file_actions_adddup2(&actions, child_messages, unix_in_peer);
  std::string flag(peer_flag), port_text = std::to_string(port), name = "floor-peer";
  char* arguments[] = {name.data(), flag.data(), port_text.data(), nullptr};
  pid_t process = -1;
  const int status = posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(child_control);
  close(child_messages);
  close(control.ends[1]);
  close(messages.ends[1]);
  if (status != 0) {
    errno = status;
    fail("posix_spawn of the peer");
  }
  return process;
}

}  // namespace

Peer::Peer() {
  TcpListener listener;
  SocketPair control, messages;
  control_ = control.ends[0];
  unix_ = messages.ends[0];
  prepare_socket(control_);
  prepare_socket(unix_);
  process_ = spawn_peer(control, messages, listener.port);
  tcp_ = listener.accept();
  uv_ = std::make_unique<UvConnection>(listener.accept());
  calls_ = std::make_unique<HandWritten>(listener.accept());
}

Peer::~Peer() {
  uv_.reset();
  calls_.reset();
  for (const int descriptor : {control_, unix_, tcp_}) close(descriptor);  // the child reads an end and exits
  waitpid(process_, nullptr, 0);
}

void Peer::request(char kind, std::size_t bytes, int count) {
  const Request next{kind, bytes, count};
  char ready;
  write_all(control_, &next, sizeof next);
  read_all(control_, &ready, 1);
}

Samples Peer::raw_tcp_round_trips(int count) {
  request('t', 0, count);
  return ask(tcp_, count);
}

Samples Peer::raw_unix_round_trips(int count) {
  request('u', 0, count);
  return ask(unix_, count);
}

Samples Peer::libuv_round_trips(int count) {
  request('v', 0, count);
  return uv_->ask(count);
}

Samples Peer::raw_tcp_bulk(std::size_t bytes, int count) {
  bulk_.resize(bytes);
  request('b', bytes, count);
  return send_bulk(tcp_, bulk_, count);
}

HandWritten& Peer::hand_written(int calls) {
  request('c', 0, calls);
  return *calls_;
}

bool is_peer(int argc, char** argv) { return argc == 3 && argv[1] == peer_flag; }

int serve_peer(char** argv) try {
  const int port = std::atoi(argv[2]);
  const int tcp = connect_tcp(port);
  UvConnection uv(connect_tcp(port));
  const int calls = connect_tcp(port);
  std::vector<char> bulk;
  Request next;
  // Waits for the next request as long as the other side lives, which may be busy with other measurements.
  while (recv(control_in_peer, &next, sizeof next, MSG_WAITALL) == static_cast<ssize_t>(sizeof next)) {
    if (next.kind == 'b') bulk.resize(next.bytes);
    write_all(control_in_peer, "r", 1);
    switch (next.kind) {
      case 't':
        echo(tcp, next.count);
        break;
      case 'u':
        echo(unix_in_peer, next.count);
        break;
      case 'v':
        uv.echo(next.count);
        break;
      case 'b':
        receive_bulk(tcp, bulk, next.count);
        break;
      case 'c':
        serve_calls(calls, next.count);
        break;
    }
  }
  return 0;
} catch (const std::exception&) {
  return 1;  // the other side is gone, or says so itself
}

}  // namespace floors
