#pragma once

#include <cstdint>

namespace cohort {

// Flags of a `result` frame.
enum ResultFlag : std::uint8_t {
  result_value = 0,      ///< the payload is the value
  result_exception = 1,  ///< the payload is an exception
  result_stored = 2,     ///< the value is ready and stays with its owner
  result_pending = 3     ///< there is no value yet (the answer to a poll)
};

/// What a `fetch` frame asks for.
enum class FetchMode : std::uint8_t {
  value = 0,  ///< the value, when there is one
  wait = 1,   ///< only a word, when there is one
  poll = 2    ///< at once, whether there is one
};

/// Results up to this size are sent to the caller unasked; larger ones wait where they are until fetched.
inline constexpr unsigned eager_result_limit = 16 << 10;

}  // namespace cohort
