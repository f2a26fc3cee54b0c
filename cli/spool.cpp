#include "spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <cohort/error.hpp>

namespace cohort::cli {
namespace {

std::string directory() {
  std::error_code error;
  const auto path = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : path.string();
}

[[noreturn]] void fail(int error) {
  throw Error("cannot keep the output of jobs in a file in " + directory() + ": " +
              std::generic_category().message(error) + "; TMPDIR says another directory");
}

FileDescriptor nameless_file() {
  std::string path = directory() + "/cohort-output.XXXXXX";
  FileDescriptor file(mkostemp(path.data(), O_CLOEXEC));
  if (!file) fail(errno);
  unlink(path.c_str());
  return file;
}

}  // namespace

Spool::Text Spool::keep(std::string text) {
  const detail::MutexLock lock(mutex_);
  if (in_memory_ + text.size() <= memory_) {
    in_memory_ += text.size();
    return {this, std::move(text)};
  }
  const off_t offset = write(text);
  in_file_ += text.size();
  return {this, text.size(), offset};
}

off_t Spool::write(const std::string& text) {
  if (!file_) file_ = nameless_file();
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = pwrite(file_.get(), text.data() + done, text.size() - done, end_ + static_cast<off_t>(done));
    if (n < 0 && errno != EINTR) fail(errno);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return std::exchange(end_, end_ + static_cast<off_t>(text.size()));
}

int Spool::file() const {
  const detail::MutexLock lock(mutex_);
  return file_.get();
}

void Spool::release(const Text& text) {
  const detail::MutexLock lock(mutex_);
  if (text.offset_ < 0) {
    in_memory_ -= text.size_;
    return;
  }
  in_file_ -= text.size_;
  // That the disk gets the room back early is welcome, and not every file system can do it.
  fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, text.offset_, static_cast<off_t>(text.size_));
  if (in_file_ == 0 && ftruncate(file_.get(), 0) == 0) end_ = 0;
}

std::size_t Spool::bytes_in_file() const {
  const detail::MutexLock lock(mutex_);
  return in_file_;
}

Spool::Text::Text(Text&& other) noexcept
    : spool_(std::exchange(other.spool_, nullptr)),
      size_(other.size_),
      text_(std::move(other.text_)),
      offset_(other.offset_) {}

Spool::Text::~Text() {
  if (spool_ != nullptr) spool_->release(*this);
}

std::string Spool::Text::read() const {
  if (offset_ < 0) return text_;
  std::string text(size_, '\0');
  const int file = spool_->file();
  for (std::size_t done = 0; done < size_;) {
    const ssize_t n = pread(file, text.data() + done, size_ - done, offset_ + static_cast<off_t>(done));
    if (n == 0) fail(EIO);
    if (n < 0 && errno != EINTR) fail(errno);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return text;
}

}  // namespace cohort::cli
