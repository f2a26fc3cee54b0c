#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort::cli {

/// Keeps texts until they are printed: in memory while they are little in all, the others in a file in $TMPDIR that has
/// no name. Any thread. Outlives its texts.
class Spool {
 public:
  static constexpr std::size_t usual_memory = 8 * 1024 * 1024;

  /// @param memory so many bytes of all texts together are kept in memory.
  explicit Spool(std::size_t memory = usual_memory) : memory_(memory) {}

  /// One text. Gives its room back when it goes.
  class Text {
   public:
    Text(Text&& other) noexcept;
    Text& operator=(Text&&) = delete;
    ~Text();

    std::size_t size() const { return size_; }
    /// @throws Error when the file cannot be read.
    std::string read() const;

   private:
    friend Spool;
    Text(Spool* spool, std::string text) : spool_(spool), size_(text.size()), text_(std::move(text)) {}
    Text(Spool* spool, std::size_t size, off_t offset) : spool_(spool), size_(size), offset_(offset) {}

    Spool* spool_;  // null: moved from
    std::size_t size_;
    std::string text_;
    off_t offset_ = -1;  // in the file; -1: it is in memory
  };

  /// @throws Error that names the directory, when the file cannot be written.
  Text keep(std::string text);

  /// How much of the file is in use, for tests.
  std::size_t bytes_in_file() const;

 private:
  off_t write(const std::string& text) COHORT_REQUIRES(mutex_);
  int file() const;
  void release(const Text& text);

  const std::size_t memory_;
  mutable detail::Mutex mutex_;
  std::size_t in_memory_ COHORT_GUARDED_BY(mutex_) = 0;
  std::size_t in_file_ COHORT_GUARDED_BY(mutex_) = 0;
  FileDescriptor file_ COHORT_GUARDED_BY(mutex_);  // empty until it is needed
  off_t end_ COHORT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cohort::cli
