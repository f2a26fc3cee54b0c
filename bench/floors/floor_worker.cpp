// The smallest thing that deserves the name of a worker: a dynamically linked C++ program with iostream, a libuv loop
// and one more thread, which connects back, answers messages and ends when its connection ends. What a real worker
// costs above this is the runtime's own.

#include <arpa/inet.h>
#include <uv.h>

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <thread>

namespace {

char message[64];
std::size_t received = 0;

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  if (size < 0) return uv_close(reinterpret_cast<uv_handle_t*>(stream), nullptr);
  received += static_cast<std::size_t>(size);
  if (received < sizeof message) return;
  received = 0;
  const auto answer = uv_buf_init(message, sizeof message);
  uv_try_write(stream, &answer, 1);
}

void on_connect(uv_connect_t* request, int status) {
  if (status < 0) {
    std::cerr << "floor_worker: cannot connect: " << uv_strerror(status) << '\n';
    return uv_close(reinterpret_cast<uv_handle_t*>(request->handle), nullptr);
  }
  uv_read_start(
      request->handle,
      [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
        *buffer = uv_buf_init(message + received, static_cast<unsigned>(sizeof message - received));
      },
      on_read);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: floor_worker PORT\n";
    return 2;
  }
  std::jthread idle([](std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
  });
  uv_tcp_t socket;
  uv_connect_t request;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", std::atoi(argv[1]), &address);
  uv_tcp_init(uv_default_loop(), &socket);
  uv_tcp_nodelay(&socket, 1);
  uv_tcp_connect(&request, &socket, reinterpret_cast<sockaddr*>(&address), on_connect);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
