#pragma once

#include <cstdint>

#include "membership/connection.hpp"

namespace cohort {

// Flags of a `result` frame.
enum ResultFlag : std::uint8_t {
  result_value = 0,      ///< the payload is the value
  result_exception = 1,  ///< the payload is an exception
  result_stored = 2,     ///< the value is ready and stays with its owner
  result_pending = 3,    ///< there is no value yet (the answer to a poll)
  result_withdrawn = 4   ///< the call had not begun, and will not: its caller withdrew it
};

// Flags of a `cancel` frame.
enum CancelFlag : std::uint8_t {
  cancel_running = 0,  ///< interrupt all functions that run; answered
  cancel_call = 1,     ///< call off the call with the frame's request number; not answered
  cancel_waiting = 2   ///< the same, unless it has begun: then nothing happens
};

// Flags of a `references` frame.
enum ReferencesFlag : std::uint8_t {
  references_count = 0,  ///< a change of one count
  references_table = 1   ///< asks for the table of all; answered with a ReferenceTable
};

inline void send_cancel(Connection& connection, std::uint64_t request, CancelFlag flag = cancel_call) {
  connection.send(FrameKind::cancel, flag, request, Payload{}, SendQueue::Mode::now);
}

/// What a `fetch` frame requests.
enum class FetchMode : std::uint8_t {
  value = 0,  ///< the value, when there is one
  wait = 1,   ///< only a word, when there is one
  poll = 2    ///< at once, whether there is one
};

/// Results up to this size are sent to the caller without a request; larger ones stay at the worker until fetched.
inline constexpr unsigned eager_result_limit = 16 << 10;

}  // namespace cohort
