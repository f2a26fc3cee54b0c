#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "arrays/loops.hpp"
#include "floors/sockets.hpp"

namespace floors {

AdvectingProcesses::AdvectingProcesses(std::size_t n) : n_(n) {
  const std::size_t count = n * n * n;
  void* mapped = mmap(nullptr, 2 * count * sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  memory_ = static_cast<double*>(mapped);
  std::fill_n(memory_, count, 0.0);
  std::fill_n(memory_ + count, count, 1.0);
  for (int worker = 0; worker < workers; worker++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("socketpair");
    sockets_[worker] = pair[0];
    processes_[worker] = fork();
    if (processes_[worker] < 0) fail("fork");
    if (processes_[worker] == 0) serve(worker, pair[1]);
    close(pair[1]);
  }
}

AdvectingProcesses::~AdvectingProcesses() {
  for (const int socket : sockets_) close(socket);
  for (const int process : processes_) waitpid(process, nullptr, 0);
  munmap(memory_, 2 * n_ * n_ * n_ * sizeof(double));
}

void AdvectingProcesses::run() {
  char token = 0;
  for (const int socket : sockets_) write_all(socket, &token, 1);
  for (const int socket : sockets_) read_all(socket, &token, 1);
}

void AdvectingProcesses::serve(int worker, int socket) const {
  dup2(socket, 3);  // and nothing else of the parent's stays open
  close_range(4, ~0u, 0);
  try {
    for (char token;;) {
      read_all(3, &token, 1);
      advect(memory_, memory_ + n_ * n_ * n_, n_, share_of(worker, n_));
      write_all(3, &token, 1);
    }
  } catch (...) {  // the benchmark is done
    _exit(0);
  }
}

}  // namespace floors
