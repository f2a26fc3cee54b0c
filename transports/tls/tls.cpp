// Streams over TLS 1.3 over TCP. Both sides prove themselves, by certificates or by the cluster's own key.

#include <openssl/err.h>
#include <poll.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/file_access.hpp>
#include <cohort/plugin.hpp>

#include "../common/tcp_sockets.hpp"
#include "tls_context.hpp"
#include "tls_listener.hpp"
#include "tls_stream.hpp"

namespace {

using namespace cohort_tls;
using cohort::Clock;
using cohort::Error;
using cohort::ErrorKind;
using cohort::OptionType;

constexpr cohort::Option tls_options[] = {
    COHORT_TCP_OPTIONS,
    {"ca", OptionType::string, nullptr, "PEM file of the certificates that sign those of the cluster's processes",
     nullptr},
    {"certificate", OptionType::string, nullptr,
     "PEM file of this process's certificate (default: none; the cluster's cookie proves the processes to each other)",
     nullptr},
    {"key", OptionType::string, nullptr, "PEM file of the certificate's private key", nullptr},
};

std::shared_ptr<const TlsContext> from_files(const cohort::Options& options) {
  const bool any = options.has("ca") || options.has("certificate") || options.has("key");
  if (!any) return nullptr;
  if (!options.has("ca") || !options.has("certificate") || !options.has("key"))
    throw cohort::ConfigError("tls: ca, certificate and key go together; give all of them, or none");
  return std::make_shared<TlsContext>(Certificates{cohort::expand_home(options.string("ca")),
                                                   cohort::expand_home(options.string("certificate")),
                                                   cohort::expand_home(options.string("key"))});
}

// Runs a step of the session until it is done. @throws Error with `what` and the cause.
template <class Step>
void run(const TlsContext& context, SSL* ssl, int socket, Clock::time_point deadline, const std::string& what,
         Step&& step) {
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int result = step();
    if (result == 1) return;
    const int wants = SSL_get_error(ssl, result);
    if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE)
      throw Error(what + ": " + context.failure(ssl, result), ErrorKind::disconnected);
    pollfd ready{socket, static_cast<short>(wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    if (::poll(&ready, 1, cohort::poll_timeout(deadline)) == 0 && Clock::now() >= deadline)
      throw cohort::TimeoutError(what + ": no answer to the TLS handshake in time");
  }
}

class TlsTransport final : public cohort::Transport {
 public:
  explicit TlsTransport(const cohort::Options& options)
      : settings_(options), has_certificate_(options.has("certificate")), context_(from_files(options)) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    return std::make_unique<TlsListener>(cohort_tcp::listen_at(bind, settings_), settings_, context());
  }

  cohort::IoPair connect(const std::string& address, Clock::time_point deadline) override {
    const auto context = this->context();
    cohort::FileDescriptor socket = cohort_tcp::dial(address, deadline);
    cohort_tcp::set_up_connection(socket.get(), settings_);
    Ssl ssl = context->session(socket.get(), TlsContext::Role::dialler);
    const std::string what = "cannot connect to " + cohort::excerpt(address);
    const auto until_done = [&](auto&& step) { run(*context, ssl.get(), socket.get(), deadline, what, step); };
    until_done([&] { return SSL_do_handshake(ssl.get()); });
    if (const std::string problem = context->missing_proof(ssl.get()); !problem.empty())
      throw Error(what + ": " + problem, ErrorKind::disconnected);
    char welcome = 0;
    until_done([&] { return SSL_read(ssl.get(), &welcome, 1); });
    return make_tls_pair(std::move(socket), std::move(ssl));
  }

  void set_secret(std::span<const std::byte> key) override {
    if (has_certificate_) return;
    auto context = std::make_shared<TlsContext>(key);
    const cohort::detail::MutexLock lock(mutex_);
    context_ = std::move(context);
  }

 private:
  std::shared_ptr<const TlsContext> context() {
    const cohort::detail::MutexLock lock(mutex_);
    if (context_ == nullptr) throw Error("tls: neither certificates nor the cluster's key are known");
    return context_;
  }

  const cohort_tcp::TcpSettings settings_;
  const bool has_certificate_;
  cohort::detail::Mutex mutex_;
  std::shared_ptr<const TlsContext> context_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace

COHORT_TRANSPORT("tls", TlsTransport, "0.1.0", tls_options)
