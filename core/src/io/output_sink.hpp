#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cohort {

/// Text that waits to be written to this process's standard output or error. The descriptor is shared with others, so
/// it is not made non-blocking; small writes avoid blocking. One thread uses it, with SIGPIPE blocked.
class OutputSink {
 public:
  explicit OutputSink(int descriptor);

  int descriptor() const { return descriptor_; }
  void append(std::string_view prefix, std::string_view line);  ///< `line` gets its end here
  /// Writes as long as the descriptor accepts bytes.
  void write_ready();
  bool empty() const { return written_ == pending_.size(); }
  bool full() const { return pending_.size() - written_ >= high_water; }
  /// Bytes appended since the start; and bytes of these that were written or discarded.
  std::uint64_t appended() const { return written_before_ + pending_.size(); }
  std::uint64_t written() const { return written_before_ + written_; }

 private:
  static constexpr std::size_t high_water = 1 << 20;

  std::size_t next_write_size() const;
  void give_up();

  const int descriptor_;
  bool never_blocks_ = false;  // a regular file, /dev/null
  bool broken_ = false;        // nobody reads it any more: what comes is dropped
  std::string pending_;
  std::size_t written_ = 0;  // of pending_
  std::uint64_t written_before_ = 0;
};

}  // namespace cohort
