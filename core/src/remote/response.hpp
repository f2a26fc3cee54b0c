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

// What cannot be encoded or sent becomes the exception of that call. If that cannot be sent either, the connection ends
// with the cause. So none of these throws.

/// Sends it, with the references in it counted for the receiver. Any thread, never waits: where counting them takes a
/// connection that must be made first, a pool thread sends it later.
void send_response(References& references, Response answer, SendQueue::Mode mode) noexcept;

/// The same at once, on a thread that may wait for such a connection. @return as SendQueue::send.
std::shared_ptr<Completion> send_response_now(References& references, const std::shared_ptr<Connection>& connection,
                                              std::uint64_t request, std::uint8_t flag, const Payload& payload,
                                              SendQueue::Mode mode) noexcept;

/// Answers with an exception. Any thread, never waits.
void send_failure(References& references, const std::shared_ptr<Connection>& connection, std::uint64_t request,
                  const std::exception_ptr& failure, SendQueue::Mode mode) noexcept;

}  // namespace cohort
