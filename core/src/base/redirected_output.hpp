#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <cohort/file_descriptor.hpp>

namespace cohort {

/// Standard output and error of this process, turned into pipes that somebody reads. What is printed and has not
/// arrived where it is sent is not lost: it goes to where the process printed before when the object is destroyed, when
/// the program exits, and when a signal like SIGSEGV or SIGABRT ends it that the program does not handle itself. One at
/// a time.
class RedirectedOutput {
 public:
  /// @throws Error if the system has no descriptor left; then nothing has changed.
  RedirectedOutput();
  ~RedirectedOutput();
  RedirectedOutput(const RedirectedOutput&) = delete;
  RedirectedOutput& operator=(const RedirectedOutput&) = delete;

  /// From now on the process prints where it did before. What is in the pipes can still be read. Idempotent.
  void restore();
  /// The end from which to read, without waiting. @param which 0: standard output, 1: standard error.
  int descriptor(int which) const { return pipes_[static_cast<std::size_t>(which)].get(); }
  /// Reads from it. The piece counts as not arrived until piece_has_arrived(); then the next one can be read.
  /// @return empty: nothing is there
  std::span<const std::byte> read_piece(std::size_t which);
  void piece_has_arrived(std::size_t which);

  static constexpr std::size_t longest_piece = 32 << 10;  ///< bytes

 private:
  std::array<FileDescriptor, 2> pipes_;  // their ends for reading
  std::array<FileDescriptor, 2> before_;
};

}  // namespace cohort
