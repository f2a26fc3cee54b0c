#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include <cohort/error.hpp>

namespace cohort {

/// A number of bytes, or of parts, of a message. Sums do not overflow: they saturate at the largest number, which
/// exceeds every limit. Convert a sum to a field of the protocol with as(), which checks it, so a size cannot lose its
/// upper half.
class ByteCount {
 public:
  constexpr ByteCount(std::uint64_t bytes = 0) : bytes_(bytes) {}  // NOLINT: sizes are what is added up
  constexpr std::uint64_t value() const { return bytes_; }
  friend constexpr ByteCount operator+(ByteCount a, ByteCount b) {
    return a.bytes_ > std::numeric_limits<std::uint64_t>::max() - b.bytes_ ? std::numeric_limits<std::uint64_t>::max()
                                                                           : a.bytes_ + b.bytes_;
  }
  ByteCount& operator+=(ByteCount more) { return *this = *this + more; }
  friend constexpr auto operator<=>(const ByteCount&, const ByteCount&) = default;

  /// Converts to the type of a field. @param what is counted, for the message. @throws Error if it does not fit.
  template <class Field>
  Field as(const char* what) const {
    if (bytes_ > std::numeric_limits<Field>::max()) {
      throw Error(std::string("a message with ") + std::to_string(bytes_) + ' ' + what +
                  " cannot be sent, the limit is " + std::to_string(std::numeric_limits<Field>::max()) +
                  "; send it in parts");
    }
    return static_cast<Field>(bytes_);
  }

 private:
  std::uint64_t bytes_;
};

}  // namespace cohort
