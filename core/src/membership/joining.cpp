#include "membership/joining.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/secret.hpp"
#include "membership/line_stream.hpp"
#include "membership/readiness.hpp"

namespace cohort {
namespace {

constexpr std::string_view greeting = "cohort-join 1 ";
constexpr std::string_view welcome = "welcome";

std::string proof_of(const std::string& cookie, std::string_view nonce) {
  std::string digits;
  for (const std::byte byte : derive_key(cookie, fmt::format("join {}", nonce)))
    digits += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return digits;
}

std::string wait_for_line(LineStream& stream, Readiness& ready, Clock::time_point deadline) {
  for (;;) {
    const bool sent = stream.flush();
    if (auto line = stream.receive()) return *line;
    if (Clock::now() >= deadline) throw Error("it did not answer in time");
    ready.watch_input(stream.pair().reader->descriptor());
    if (!sent) ready.watch_output(stream.pair().writer->descriptor());
    ready.wait(deadline);
  }
}

}  // namespace

std::string joining_nonce() { return random_cookie(); }

std::string joining_challenge(const std::string& nonce) { return std::string(greeting) + nonce; }

std::optional<std::string> joining_address(const std::string& line, const std::string& cookie,
                                           const std::string& nonce) {
  const std::string proof = proof_of(cookie, nonce);
  if (line.size() < proof.size() + 2 || line[proof.size()] != ' ') return std::nullopt;
  const std::span given(line.data(), proof.size());
  if (!equal_secrets(std::as_bytes(given), std::as_bytes(std::span(proof)))) return std::nullopt;
  const std::string address = line.substr(proof.size() + 1);
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(address.begin(), address.end(), printable)) return std::nullopt;
  return address;
}

IoPair join_at(IoPair master, const std::string& cookie, const std::string& own_address, Clock::time_point deadline) {
  LineStream stream(std::move(master), longest_joining_line);
  Readiness ready;
  ready.tell(stream.pair());
  const std::string challenge = wait_for_line(stream, ready, deadline);
  if (!challenge.starts_with(greeting))
    throw Error("it is no master of this version that takes workers: it says '" + excerpt(challenge) + "'");
  stream.send(proof_of(cookie, std::string_view(challenge).substr(greeting.size())) + ' ' + own_address);
  const std::string answer = wait_for_line(stream, ready, deadline);
  if (answer != welcome) throw Error("the master says '" + excerpt(answer) + "'");
  return std::move(stream.pair());
}

}  // namespace cohort
