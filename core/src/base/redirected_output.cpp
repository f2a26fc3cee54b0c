#include "base/redirected_output.hpp"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <cohort/error.hpp>

#include "base/forked_child.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace cohort {
namespace {

constexpr std::array<int, 2> standard = {STDOUT_FILENO, STDERR_FILENO};
constexpr std::array<int, 5> fatal_signals = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};

// Those of the object that exists; -1: there is none. A signal handler reads them.
std::array<std::atomic<int>, 2> unread = {-1, -1}, before = {-1, -1};
// What was read, and is not known to have arrived.
std::array<std::array<std::byte, RedirectedOutput::longest_piece>, 2> pieces;
std::array<std::atomic<std::size_t>, 2> piece_sizes = {0, 0};
// The loop is reading a piece, whose size is not known yet.
std::array<std::atomic<bool>, 2> reading = {false, false};

void write_all(int to, const void* data, std::size_t size) noexcept {
  for (std::size_t written = 0; written < size;) {
    const ssize_t more = write(to, static_cast<const std::byte*>(data) + written, size - written);
    if (more <= 0) return;
    written += static_cast<std::size_t>(more);
  }
}

// What is read is neither in the pipe nor among the pieces until its size is known, which takes a moment; for ever if
// the signal came to the thread that reads.
void wait_for_reading(std::size_t which) noexcept {
  constexpr timespec pause{0, 1'000'000};
  for (int i = 0; i < 100 && reading[which]; i++) nanosleep(&pause, nullptr);
}

// In a signal handler, too.
void pass_on_what_is_unread() noexcept {
  if (is_forked_child()) return;  // it has the pipes of its parent, which reads them
  char buffer[4096];
  for (std::size_t i = 0; i < 2; i++) {
    const int from = unread[i].exchange(-1), to = before[i].exchange(-1);
    if (from < 0 || to < 0) continue;
    wait_for_reading(i);
    write_all(to, pieces[i].data(), piece_sizes[i].exchange(0));
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;) write_all(to, buffer, static_cast<std::size_t>(n));
  }
}

void print_as_before() {
  for (std::size_t i = 0; i < 2; i++)
    if (const int to = before[i].load(); to >= 0) dup2(to, standard[i]);
  set_log_never_waits(false);
}

void restore_at_exit() {
  print_as_before();
  pass_on_what_is_unread();
}

void on_fatal_signal(int number) {
  pass_on_what_is_unread();
  signal(number, SIG_DFL);
  raise(number);
}

void handle_fatal_signals() {
  for (const int number : fatal_signals) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_handler = on_fatal_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(number, &action, nullptr);
  }
}

}  // namespace

RedirectedOutput::RedirectedOutput() {
  std::array<FileDescriptor, 2> write_ends;
  for (std::size_t i = 0; i < 2; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error("cannot make a pipe: " + errno_text(errno), ErrorKind::overloaded);
    pipes_[i] = FileDescriptor(ends[0]);
    write_ends[i] = FileDescriptor(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    before_[i] = FileDescriptor(fcntl(standard[i], F_DUPFD_CLOEXEC, 3));
    if (!before_[i]) throw Error("cannot duplicate a descriptor: " + errno_text(errno), ErrorKind::overloaded);
  }
  static const bool once = [] {
    handle_fatal_signals();
    return std::atexit(restore_at_exit) == 0;
  }();
  static_cast<void>(once);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // as on a terminal
  set_log_never_waits(true);                      // the thread that reads the pipes writes messages, too
  for (std::size_t i = 0; i < 2; i++) {
    before[i] = before_[i].get();
    unread[i] = pipes_[i].get();
    dup2(write_ends[i].get(), standard[i]);
  }
}

RedirectedOutput::~RedirectedOutput() { restore_at_exit(); }

std::span<const std::byte> RedirectedOutput::read_piece(std::size_t which) {
  reading[which] = true;
  const ssize_t n = read(pipes_[which].get(), pieces[which].data(), longest_piece);
  if (n > 0) piece_sizes[which] = static_cast<std::size_t>(n);
  reading[which] = false;
  if (n <= 0) return {};
  return {pieces[which].data(), static_cast<std::size_t>(n)};
}

void RedirectedOutput::piece_has_arrived(std::size_t which) { piece_sizes[which] = 0; }

void RedirectedOutput::restore() { print_as_before(); }

}  // namespace cohort
