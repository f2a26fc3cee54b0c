#include "tls_listener.hpp"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <cohort/error.hpp>

#include "tls_stream.hpp"

namespace cohort_tls {
namespace {

constexpr std::size_t most_handshaking = 256;  // beyond, the oldest goes: idle ones keep nobody out
constexpr cohort::Duration longest_handshake = std::chrono::seconds(10);

// Whether what comes first can be TLS; nullopt: nothing came yet. Left to OpenSSL, some other bytes look like the
// length of much more to come.
std::optional<bool> begins_right(int socket) {
  constexpr unsigned char handshake_record = 22;
  unsigned char first = 0;
  if (::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return std::nullopt;
  return first == handshake_record;
}

}  // namespace

TlsListener::TlsListener(cohort_tcp::ListeningSocket listening, cohort_tcp::TcpSettings settings,
                         std::shared_ptr<const TlsContext> context)
    : acceptor_(std::move(listening.socket)),
      address_(std::move(listening.address)),
      settings_(std::move(settings)),
      context_(std::move(context)),
      ready_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  epoll_event event{EPOLLIN, {}};
  if (!ready_ || !timer_ || ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, acceptor_.descriptor(), &event) < 0 ||
      ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, timer_.get(), &event) < 0)
    throw cohort::Error("cannot listen at " + address_ + ": no descriptors left", cohort::ErrorKind::overloaded);
}

std::optional<cohort::IoPair> TlsListener::accept() {
  take_new_ones();
  for (auto at = handshaking_.begin(); at != handshaking_.end(); ++at) {
    if (!at->begun) {
      const auto right = begins_right(at->socket.get());
      if (right == false) {
        remove(at);
        throw cohort::Error("refused a connection at " + address_ + ": " + not_tls);
      }
      at->begun = right.has_value();
      // Nothing came: were it to come now, OpenSSL would take it, and the next look would see what follows.
      if (!at->begun && cohort::Clock::now() < at->deadline) continue;
    }
    ERR_clear_error();
    errno = 0;
    const int result = SSL_do_handshake(at->ssl.get());
    if (result == 1) {
      Handshaking done = remove(at);
      const std::string problem = context_->missing_proof(done.ssl.get());
      if (!problem.empty()) throw cohort::Error("refused a connection at " + address_ + ": " + problem);
      // The dialler waits for it: only now does it know that it was believed.
      const char welcome = 1;
      SSL_write(done.ssl.get(), &welcome, 1);
      return make_tls_pair(std::move(done.socket), std::move(done.ssl));
    }
    const int wants = SSL_get_error(at->ssl.get(), result);
    if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE) {
      const std::string cause = context_->failure(at->ssl.get(), result);
      remove(at);
      throw cohort::Error("refused a connection at " + address_ + ": " + cause);
    }
    if (cohort::Clock::now() >= at->deadline) {
      remove(at);
      throw cohort::Error("refused a connection at " + address_ + ": no complete TLS handshake in time");
    }
    watch(*at, wants == SSL_ERROR_WANT_WRITE);
  }
  set_timer();
  return std::nullopt;
}

void TlsListener::take_new_ones() {
  while (cohort::FileDescriptor socket = acceptor_.accept()) {
    cohort_tcp::set_up_connection(socket.get(), settings_);
    epoll_event event{EPOLLIN, {}};
    if (::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, socket.get(), &event) < 0) continue;
    Ssl ssl = context_->session(socket.get(), TlsContext::Role::acceptor);
    handshaking_.push_back({std::move(socket), std::move(ssl), cohort::deadline_after(longest_handshake)});
    if (handshaking_.size() > most_handshaking) remove(handshaking_.begin());
  }
}

void TlsListener::watch(Handshaking& connection, bool writable) {
  if (std::exchange(connection.wants_to_write, writable) == writable) return;
  epoll_event event{writable ? EPOLLOUT : EPOLLIN, {}};
  ::epoll_ctl(ready_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
}

void TlsListener::set_timer() {
  itimerspec time{};
  if (!handshaking_.empty()) {
    const auto left =
        std::max<cohort::Duration>(handshaking_.front().deadline - cohort::Clock::now(), std::chrono::nanoseconds(1));
    time.it_value = {left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  }
  ::timerfd_settime(timer_.get(), 0, &time, nullptr);  // also makes it unready
}

TlsListener::Handshaking TlsListener::remove(std::deque<Handshaking>::iterator at) {
  ::epoll_ctl(ready_.get(), EPOLL_CTL_DEL, at->socket.get(), nullptr);
  Handshaking removed = std::move(*at);
  handshaking_.erase(at);
  return removed;
}

}  // namespace cohort_tls
