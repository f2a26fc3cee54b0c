#include "curve_keys.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort_zmq {
namespace {

constexpr std::size_t shortest_key = 32;
constexpr std::size_t longest_key = 4096;

CurveKeys::Key derive(const Secret& secret, std::string_view purpose) {
  CurveKeys::Key key;
  crypto_generichash(reinterpret_cast<unsigned char*>(key.data()), key.size(),
                     reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  return key;
}

CurveKeys::Key public_of(const CurveKeys::Key& secret) {
  CurveKeys::Key key;
  crypto_scalarmult_base(reinterpret_cast<unsigned char*>(key.data()),
                         reinterpret_cast<const unsigned char*>(secret.data()));
  return key;
}

void check_curve() {
  if (zmq_has("curve") == 0) throw cohort::Error("zmq: this libzmq was built without CURVE");
}

}  // namespace

CurveKeys::CurveKeys(const Secret& secret)
    : broker_secret(derive(secret, "cohort zmq broker 1")),
      broker_public(public_of(broker_secret)),
      client_secret(derive(secret, "cohort zmq client 1")),
      client_public(public_of(client_secret)) {}

std::string key_text(std::span<const std::byte> key) {
  std::string text(2 * key.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), reinterpret_cast<const unsigned char*>(key.data()), key.size());
  text.pop_back();
  return text;
}

Secret secret_of(std::string_view text) {
  Secret secret;
  crypto_generichash(reinterpret_cast<unsigned char*>(secret.data()), secret.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return secret;
}

Secret read_secret(const std::string& file) {
  const bool from_input = file == "-";
  const std::string what = from_input ? "key on standard input" : "key_file '" + cohort::excerpt(file) + "'";
  const cohort::FileDescriptor in(from_input ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) throw cohort::ConfigError("zmq: " + what + ": " + std::generic_category().message(errno));
  if (const std::string problem = cohort::why_not_private(in.get(), file); !problem.empty())
    throw cohort::ConfigError("zmq: " + what + ": " + problem);
  std::string text(longest_key + 1, '\0');
  std::size_t size = 0;
  for (ssize_t n = 1; n > 0 && size < text.size(); size += static_cast<std::size_t>(n)) {
    n = ::read(in.get(), text.data() + size, text.size() - size);
    if (n < 0) throw cohort::ConfigError("zmq: " + what + ": " + std::generic_category().message(errno));
  }
  text.resize(size);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() < shortest_key || text.size() > longest_key)
    throw cohort::ConfigError("zmq: " + what + " must hold " + std::to_string(shortest_key) + " to " +
                              std::to_string(longest_key) + " bytes, and holds " + std::to_string(text.size()));
  return secret_of(text);
}

void encrypt_as_client(zmq::socket_t& socket, const CurveKeys& keys) {
  check_curve();
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(keys.broker_public));
  socket.set(zmq::sockopt::curve_publickey, zmq::buffer(keys.client_public));
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(keys.client_secret));
}

void encrypt_as_broker(zmq::socket_t& socket, const CurveKeys& keys) {
  check_curve();
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(keys.broker_secret));
}

}  // namespace cohort_zmq
