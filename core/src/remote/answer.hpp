#pragma once

#include <cstdint>
#include <memory>

#include <cohort/bytes.hpp>

#include "membership/connection.hpp"
#include "remote/messages.hpp"

namespace cohort {

class References;

/// The answer to a request of another process: a value, or an exception.
struct Answer {
  std::shared_ptr<Connection> connection;
  std::uint64_t request = 0;
  std::shared_ptr<const Payload> payload;  // all its segments are owned
  std::uint8_t flag = result_value;
};

/// Sends it, with the references in it counted for the receiver. Any thread, never waits: where counting them takes a
/// connection that must be made first, a pool thread sends it later.
void send_answer(References& references, Answer answer, SendQueue::Mode mode);

}  // namespace cohort
