#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cohort {

/// Text on its way to this process's standard output or error. The descriptor is not ours: it stays as it is
/// (blocking), and writes are kept from blocking by size. One thread, with SIGPIPE blocked.
class OutputSink {
 public:
  explicit OutputSink(int descriptor);

  int descriptor() const { return descriptor_; }
  void append(std::string_view prefix, std::string_view line);  ///< `line` gets its end here
  /// Writes while the descriptor takes it.
  void write_ready();
  bool empty() const { return written_ == pending_.size(); }
  bool full() const { return pending_.size() - written_ >= high_water; }
  /// Bytes appended, and of those, written or given up, since the start.
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
