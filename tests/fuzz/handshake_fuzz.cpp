#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "wire/handshake.hpp"

// First byte: the role and whether the peer's true answers come first; the rest is what a stranger sends.
// Without the cookie nobody may get in, and nothing may be taken after the end.

namespace {

using namespace cohort;
using State = Handshake::Step::State;

Handshake::Step feed(Handshake& side, std::span<const std::byte> in, std::size_t piece) {
  Handshake::Step last;
  while (!in.empty() && last.state == State::more) {
    std::size_t used = 0;
    last = side.feed(in.first(std::min(piece, in.size())), used);
    if (used > in.size() || last.out.size() > 2048) std::abort();
    if (last.state == State::more && used == 0) std::abort();
    in = in.subspan(used);
  }
  for (char c : last.error)
    if (c < ' ' || c > '~') std::abort();
  if ((last.state == State::failed) == last.error.empty()) std::abort();
  return last;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool dialing = (data[0] & 1) != 0;
  const bool greeted = (data[0] & 2) != 0;
  const std::size_t piece = (data[0] & 4) != 0 ? 1 : SIZE_MAX;
  const auto stranger = std::as_bytes(std::span(data + 1, size - 1));

  const Identity identity{protocol_version, 2, "program", "library"};
  Handshake dialer(Handshake::Role::dialer, identity, "cookie");
  Handshake acceptor(Handshake::Role::acceptor, identity, "cookie");
  const Bytes hello = dialer.start();
  if (greeted) {
    const Bytes answer = feed(acceptor, hello.span(), SIZE_MAX).out;
    if (dialing) feed(dialer, answer.span(), SIZE_MAX);
  }
  const State state = feed(dialing ? dialer : acceptor, stranger, piece).state;
  if (state == State::done) std::abort();
  return 0;
}
