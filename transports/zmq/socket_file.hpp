#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace cohort_zmq {

/// Its destructor removes the file of a listening socket; ZeroMQ does this only for names that it has chosen itself.
class SocketFile {
 public:
  SocketFile() = default;
  ~SocketFile() {
    struct stat now {};
    // Another broker may now listen at the same path, and file systems give the numbers of removed files away again.
    if (!path_.empty() && ::stat(path_.c_str(), &now) == 0 && now.st_dev == made_.st_dev &&
        now.st_ino == made_.st_ino && now.st_mtim.tv_sec == made_.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == made_.st_mtim.tv_nsec)
      ::unlink(path_.c_str());
  }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  /// Call it when the socket listens. @param address "ipc://PATH"; others, like "ipc://@name", have no file.
  void watch(std::string_view address) {
    constexpr std::string_view ipc = "ipc://";
    if (!address.starts_with(ipc) || address.starts_with("ipc://@")) return;
    path_ = address.substr(ipc.size());
    if (::stat(path_.c_str(), &made_) != 0) path_.clear();
  }

 private:
  std::string path_;
  struct stat made_ {};
};

}  // namespace cohort_zmq
