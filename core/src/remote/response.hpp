#pragma once

#include <cstdint>
#include <exception>
#include <memory>

#include <cohort/bytes.hpp>

#include "membership/connection.hpp"
#include "remote/messages.hpp"

namespace cohort {

class References;

/// The answer to a request of another process: a value, or an exception.
struct Response {
  std::shared_ptr<Connection> connection;
  std::uint64_t request = 0;
  std::shared_ptr<const Payload> payload;  // all its segments are owned
  std::uint8_t flag = result_value;
};

// If an answer cannot be encoded or sent, the call gets an exception instead. If that cannot be sent either, the
// connection ends with the cause. So none of these functions throws.

/// Sends an answer, and counts its references for the receiver. May be called from any thread, and never waits: if a
/// connection must first be made to count them, a pool thread sends the answer later.
void send_response(References& references, Response answer, SendQueue::Mode mode) noexcept;

/// Sends it at once, on a thread that may wait for such a connection. @return as SendQueue::send.
std::shared_ptr<Completion> send_response_now(References& references, const std::shared_ptr<Connection>& connection,
                                              std::uint64_t request, std::uint8_t flag, const Payload& payload,
                                              SendQueue::Mode mode) noexcept;

/// Answers with an exception. Any thread, never waits.
void send_failure(References& references, const std::shared_ptr<Connection>& connection, std::uint64_t request,
                  const std::exception_ptr& failure, SendQueue::Mode mode) noexcept;

}  // namespace cohort
