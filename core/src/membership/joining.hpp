#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <cohort/io_pair.hpp>
#include <cohort/types.hpp>

namespace cohort {

// The lines between a worker that dials its master and the master, before the handshake (docs/protocol.md, "Joining"):
//   master: cohort-join 1 <nonce>
//   worker: <proof> <address at which it listens>
//   master: welcome | refused: <reason>
// The proof is a keyed hash of the nonce, so it is useless to anyone who listens. It only keeps strangers out; the
// security of the connection depends on the handshake that follows.

inline constexpr std::size_t longest_joining_line = 512;

std::string joining_nonce();
std::string joining_challenge(const std::string& nonce);
/// The address that a worker's line gives, if its proof is right.
std::optional<std::string> joining_address(const std::string& line, const std::string& cookie,
                                           const std::string& nonce);

/// The worker's side: sends its line, and waits for the master's answer. @throws Error with the reason.
IoPair join_at(IoPair master, const std::string& cookie, const std::string& own_address, Clock::time_point deadline);

}  // namespace cohort
