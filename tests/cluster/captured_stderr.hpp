#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

/// This process's standard error, or output, kept while this lives and passed on at the end.
class CapturedStderr {
 public:
  explicit CapturedStderr(int descriptor = STDERR_FILENO)
      : descriptor_(descriptor), before_(dup(descriptor)), kept_(memfd_create("captured", MFD_CLOEXEC)) {
    fcntl(kept_.get(), F_SETFL, O_APPEND);  // two that write at once write one behind the other, as on a terminal
    dup2(kept_.get(), descriptor_);
  }
  ~CapturedStderr() {
    dup2(before_.get(), descriptor_);
    const std::string all = text();
    [[maybe_unused]] const ssize_t n = write(descriptor_, all.data(), all.size());
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  std::string text() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = pread(kept_.get(), buffer, sizeof buffer, static_cast<off_t>(all.size()))) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
  bool has(const std::string& part) const { return text().find(part) != std::string::npos; }

 private:
  const int descriptor_;
  FileDescriptor before_, kept_;
};

}  // namespace cohort::test
