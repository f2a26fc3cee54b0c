#include "wire/handshake.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/secret.hpp"

namespace cohort {
namespace {

constexpr std::string_view magic = "COHORT\r\n";
constexpr std::size_t length_size = sizeof(std::uint16_t);
constexpr std::size_t max_build_text = 255;
constexpr std::size_t max_refuse_text = 400;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

const unsigned char* unsigned_chars(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

/// What strangers send goes to terminals and logs.
std::string printable(std::span<const std::byte> bytes, std::size_t most) {
  std::string text;
  for (std::byte byte : bytes.first(std::min(bytes.size(), most))) {
    const char c = static_cast<char>(byte);
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  if (bytes.size() > most) text += "...";
  return text;
}

std::string build_name(const std::string& build) {
  return build.empty() ? "an unknown build" : "build " + printable(bytes_of(build), 64);
}

void append_text(Bytes& out, std::string_view text) {
  const auto size = static_cast<std::uint8_t>(text.size());
  out.append(&size, 1);
  out.append(text.data(), text.size());
}

/// Takes values off the front of a message.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool take(void* to, std::size_t size) {
    if (size > bytes_.size()) return false;
    std::memcpy(to, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return true;
  }
  bool take_text(std::string& text) {
    std::uint8_t size;
    if (!take(&size, 1) || size > bytes_.size()) return false;
    text.assign(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return true;
  }
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

std::array<std::byte, 32> key_of(std::string_view secret) {
  std::array<std::byte, 32> key;
  crypto_generichash(reinterpret_cast<unsigned char*>(key.data()), key.size(), unsigned_chars(bytes_of(secret).data()),
                     secret.size(), nullptr, 0);
  return key;
}

template <class Type>
Bytes begin_message(Type type) {
  Bytes message;
  message.resize(length_size);
  message.append(&type, 1);
  return message;
}

void end_message(Bytes& message) {
  const auto size = static_cast<std::uint16_t>(message.size() - length_size);
  std::memcpy(message.data(), &size, sizeof(size));
}

}  // namespace

Handshake::Handshake(Role role, Identity mine, std::string_view secret, std::weak_ptr<JoinTokens> tokens)
    : role_(role), tokens_(std::move(tokens)), mine_(std::move(mine)), key_(key_of(secret)) {
  mine_.executable_build.resize(std::min(mine_.executable_build.size(), max_build_text));
  mine_.library_build.resize(std::min(mine_.library_build.size(), max_build_text));
  fill_random(nonce_);
  if (!tokens_.expired()) cookie_ = secret;
}

Handshake::~Handshake() { wipe(key_); }

Bytes Handshake::hello() const {
  Bytes message = begin_message(MessageType::hello);
  message.append(magic.data(), magic.size());
  message.append(&mine_.version, sizeof(mine_.version));
  message.append(&mine_.pid, sizeof(mine_.pid));
  append_text(message, mine_.executable_build);
  append_text(message, mine_.library_build);
  message.append(nonce_.data(), nonce_.size());
  return message;
}

Bytes Handshake::start() {
  if (role_ == Role::acceptor) return {};
  Bytes message = hello();
  end_message(message);
  sent_hello_ = Bytes(message.span().subspan(length_size));
  return message;
}

/// HMAC over the role's name and both hellos: a proof is good for one role in one handshake. Each part has its length
/// in front, so that no two transcripts read the same.
Handshake::Proof Handshake::proof_of(Role role) const {
  return authenticate(role == Role::acceptor ? "acceptor" : "dialer");
}

Handshake::Proof Handshake::key_for_cookie() const { return authenticate("cookie"); }

Handshake::Proof Handshake::authenticate(std::string_view purpose) const {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, unsigned_chars(key_.data()), key_.size());
  const auto add = [&state](std::span<const std::byte> part) {
    const std::uint64_t size = part.size();
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof(size));
    crypto_auth_hmacsha256_update(&state, unsigned_chars(part.data()), part.size());
  };
  add(bytes_of(purpose));
  add(role_ == Role::dialer ? sent_hello_.span() : received_hello_.span());
  add(role_ == Role::dialer ? received_hello_.span() : sent_hello_.span());
  Proof proof;
  static_assert(proof_size == crypto_auth_hmacsha256_BYTES);
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(proof.data()));
  wipe(std::as_writable_bytes(std::span(&state, 1)));
  return proof;
}

Handshake::Step Handshake::feed(std::span<const std::byte> in, std::size_t& used) {
  Step step;
  used = 0;
  const auto take_until = [&](std::size_t size) {
    const std::size_t more = std::min(size - buffer_.size(), in.size() - used);
    buffer_.append(in.data() + used, more);
    used += more;
    return buffer_.size() == size;
  };
  while (waiting_ != Waiting::nothing) {
    if (buffer_.size() < length_size && !take_until(length_size)) break;
    std::uint16_t size;
    std::memcpy(&size, buffer_.data(), sizeof(size));
    const bool plausible = size > 0 && size <= limit();
    const bool whole = plausible && take_until(length_size + size);
    if (!plausible || !may_be_message()) {
      if (buffer_.size() < magic.size()) take_until(magic.size());  // to show what it is
      fail_foreign(step);
      break;
    }
    if (!whole) break;
    const Bytes message = std::exchange(buffer_, Bytes());
    on_message(message.span().subspan(length_size), step);
  }
  if (!error_.empty()) {
    step.state = Step::State::failed;
    step.error = error_;
  } else if (waiting_ == Waiting::nothing) {
    step.state = Step::State::done;
  }
  return step;
}

std::size_t Handshake::limit() const {
  return waiting_ == Waiting::accept && mine_.pid < 0 ? max_accept_with_cookie : max_message;
}

// A number that cannot be negated is none.
std::int32_t Handshake::number_of_token() const {
  return peer_.pid < -std::numeric_limits<std::int32_t>::max() ? 0 : std::max(0, -peer_.pid);
}

bool Handshake::may_be_message() const {
  const std::span<const std::byte> message = buffer_.span().subspan(length_size);
  if (waiting_ != Waiting::hello || message.empty()) return true;
  const auto type = static_cast<MessageType>(message[0]);
  if (type == MessageType::refuse) return true;
  const auto begin = message.subspan(1, std::min(magic.size(), message.size() - 1));
  return type == MessageType::hello && std::memcmp(begin.data(), magic.data(), begin.size()) == 0;
}

void Handshake::on_message(std::span<const std::byte> message, Step& step) {
  const auto type = static_cast<MessageType>(message[0]);
  if (type == MessageType::refuse) return on_refuse(message.subspan(1), step);
  if (waiting_ == Waiting::hello && type == MessageType::hello)
    return role_ == Role::acceptor ? on_hello_of_dialer(message, step) : on_hello_of_acceptor(message, step);
  if (waiting_ == Waiting::proof && type == MessageType::proof) return on_proof(message.subspan(1), step);
  if (waiting_ == Waiting::accept && type == MessageType::accept) return on_accept(message.subspan(1), step);
  refuse(step, RefuseCode::protocol, "refused: the peer broke the rules of the handshake",
         "this process broke the rules of the handshake");
}

bool Handshake::read_hello(std::span<const std::byte> message, Step& step) {
  Cursor cursor(message);
  const auto malformed = [&] {
    refuse(step, RefuseCode::protocol, "refused: the peer's greeting is malformed",
           "the greeting of this process is malformed");
    return false;
  };
  std::array<char, 1 + magic.size()> type_and_magic;  // checked before
  // All of these stay where they are in every version, so that a mismatch can always be told.
  if (!cursor.take(type_and_magic.data(), type_and_magic.size()) ||
      !cursor.take(&peer_.version, sizeof(peer_.version)) || !cursor.take(&peer_.pid, sizeof(peer_.pid)))
    return malformed();
  if (peer_.version != mine_.version) {
    const std::string theirs = std::to_string(peer_.version);
    const std::string ours = std::to_string(mine_.version);
    refuse(step, RefuseCode::version, "refused: the peer speaks protocol " + theirs + ", this process " + ours,
           "it speaks protocol " + ours + ", this process " + theirs);
    return false;
  }
  std::array<std::byte, nonce_size> nonce;
  if (!cursor.take_text(peer_.executable_build) || !cursor.take_text(peer_.library_build) ||
      !cursor.take(nonce.data(), nonce.size()) || !cursor.rest().empty())
    return malformed();
  received_hello_ = Bytes(message);
  return true;
}

// The key is used for one message, so the nonce of the cipher may be a constant.
Bytes Handshake::seal(std::string_view cookie) const {
  constexpr std::array<unsigned char, crypto_secretbox_NONCEBYTES> nonce{};
  Proof key = key_for_cookie();
  static_assert(sizeof(Proof) == crypto_secretbox_KEYBYTES);
  Bytes sealed;
  sealed.resize(cookie.size() + crypto_secretbox_MACBYTES);
  crypto_secretbox_easy(reinterpret_cast<unsigned char*>(sealed.data()), unsigned_chars(bytes_of(cookie).data()),
                        cookie.size(), nonce.data(), unsigned_chars(key.data()));
  wipe(key);
  return sealed;
}

bool Handshake::unseal(std::span<const std::byte> sealed) {
  constexpr std::array<unsigned char, crypto_secretbox_NONCEBYTES> nonce{};
  if (sealed.size() < crypto_secretbox_MACBYTES) return false;
  Proof key = key_for_cookie();
  cookie_.resize(sealed.size() - crypto_secretbox_MACBYTES);
  const bool is_right =
      crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(cookie_.data()), unsigned_chars(sealed.data()),
                                 sealed.size(), nonce.data(), unsigned_chars(key.data())) == 0;
  wipe(key);
  return is_right;
}

void Handshake::on_hello_of_dialer(std::span<const std::byte> message, Step& step) {
  if (!read_hello(message, step)) return;
  if (peer_.pid < 0) {
    const auto tokens = tokens_.lock();
    auto secret = tokens == nullptr ? std::nullopt : tokens->secret_of_token(number_of_token());
    if (!secret) return refuse_token(step);
    key_ = key_of(*secret);
    wipe(std::as_writable_bytes(std::span(*secret)));
  }
  Bytes answer = hello();
  end_message(answer);
  sent_hello_ = Bytes(answer.span().subspan(length_size));
  step.out.append(answer.data(), answer.size());
  waiting_ = Waiting::proof;
}

void Handshake::on_hello_of_acceptor(std::span<const std::byte> message, Step& step) {
  if (!read_hello(message, step)) return;
  say_with_proof(MessageType::proof, step);
  waiting_ = Waiting::accept;
}

void Handshake::say_with_proof(MessageType type, Step& step, std::span<const std::byte> more) {
  Bytes message = begin_message(type);
  const Proof proof = proof_of(role_);
  message.append(proof.data(), proof.size());
  message.append(more.data(), more.size());
  end_message(message);
  step.out.append(message.data(), message.size());
}

void Handshake::on_proof(std::span<const std::byte> message, Step& step) {
  const bool has_token = peer_.pid < 0;
  if (!equal_secrets(message, proof_of(Role::dialer))) {
    if (has_token) return refuse_token(step);
    return refuse(step, RefuseCode::credentials,
                  "refused: the cookies differ: it has another cookie than this process, or belongs to another cluster",
                  "the cookies differ: one of the two was started with another cookie, or belongs to another cluster");
  }
  if (!builds_fit(step)) return;
  Bytes sealed;
  if (has_token) {
    const auto tokens = tokens_.lock();
    if (tokens == nullptr || !tokens->use_token(number_of_token())) return refuse_token(step);
    sealed = seal(cookie_);
  }
  say_with_proof(MessageType::accept, step, sealed.span());
  waiting_ = Waiting::nothing;
}

void Handshake::on_accept(std::span<const std::byte> message, Step& step) {
  const bool is_right = mine_.pid < 0 ? message.size() >= proof_size && unseal(message.subspan(proof_size))
                                      : message.size() == proof_size;
  if (!is_right || !equal_secrets(message.first(proof_size), proof_of(Role::acceptor)))
    return refuse(step, RefuseCode::credentials,
                  "refused: the peer does not know the cookie: is it a process of this cluster that listens there?",
                  "this process did not prove that it knows the cookie");
  waiting_ = Waiting::nothing;
}

void Handshake::refuse_token(Step& step) {
  refuse(step, RefuseCode::credentials, "refused: it has a join token that was used, or is not one of this cluster",
         "its join token was used, or is not one of this cluster: each is good for one worker");
}

bool Handshake::builds_fit(Step& step) {
  const auto fits = [&](const char* what, const std::string& theirs, const std::string& ours) {
    if (theirs == ours) return true;
    const std::string advice = "; both must run the same files";
    refuse(
        step, RefuseCode::build,
        std::string("refused: the peer's ") + what + " is " + build_name(theirs) + ", this process has " +
            build_name(ours) + advice,
        std::string("its ") + what + " is " + build_name(ours) + ", this process has " + build_name(theirs) + advice);
    return false;
  };
  return fits("executable", peer_.executable_build, mine_.executable_build) &&
         fits("cohort library", peer_.library_build, mine_.library_build);
}

void Handshake::on_refuse(std::span<const std::byte> message, Step&) {
  // The code is for programs that read the bytes; people get the text.
  const std::string text = message.empty() ? std::string() : printable(message.subspan(1), max_refuse_text);
  error_ = std::string(role_ == Role::dialer ? "the peer refused: " : "the dialing process refused: ") +
           (text.empty() ? "no reason given" : text);
  waiting_ = Waiting::nothing;
}

void Handshake::refuse(Step& step, RefuseCode code, std::string error, std::string_view told) {
  Bytes message = begin_message(MessageType::refuse);
  message.append(&code, 1);
  message.append(told.data(), std::min(told.size(), max_refuse_text));
  end_message(message);
  step.out.append(message.data(), message.size());
  error_ = std::move(error);
  waiting_ = Waiting::nothing;
}

void Handshake::fail_foreign(Step& step) {
  if (waiting_ != Waiting::hello)
    return refuse(step, RefuseCode::protocol, "refused: the peer broke the rules of the handshake",
                  "this process broke the rules of the handshake");
  refuse(step, RefuseCode::protocol,
         "refused: the peer is not a cohort process (it began with \"" +
             printable(buffer_.span().first(std::min(buffer_.size(), magic.size())), magic.size()) + "\")",
         "this process does not speak as a cohort process does");
}

std::string Handshake::closed_message() const {
  switch (waiting_) {
    case Waiting::hello:
      return role_ == Role::dialer
                 ? "the peer closed the connection before it greeted: is it a cohort worker, is it reached by the same "
                   "transport, and did it not just end?"
                 : "the peer closed the connection before it greeted";
    case Waiting::proof:
      return "the peer closed the connection instead of proving that it knows the cookie";
    case Waiting::accept:
      return "the peer closed the connection after this process proved that it knows the cookie";
    case Waiting::nothing:
      break;
  }
  return error_.empty() ? "the peer closed the connection" : error_;
}

}  // namespace cohort
