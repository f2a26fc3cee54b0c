#include "socket_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort_unix {
namespace {

using cohort::Error;
using cohort::FileDescriptor;

constexpr std::string_view lock_end = ".lock";

std::string message_of(int error) { return std::generic_category().message(error); }

// What makes it a directory in which another user might act; "" if nothing does, or if it does not exist (any more).
std::string why_not_private(const std::string& directory) {
  struct stat info {};
  if (::lstat(directory.c_str(), &info) < 0) return errno == ENOENT ? "" : message_of(errno);
  if (!S_ISDIR(info.st_mode)) return "it is not a directory";
  if (info.st_uid != ::geteuid()) return "it belongs to user " + std::to_string(info.st_uid);
  if ((info.st_mode & 077) != 0) return "others may enter it; run: chmod 700 " + directory;
  return "";
}

// Nothing is done if another process just removes the empty directory.
void make_private_directory(const std::string& directory) {
  const std::string what = "cannot keep sockets in " + cohort::excerpt(directory) + ": ";
  if (::mkdir(directory.c_str(), 0700) == 0) {
    if (::chmod(directory.c_str(), 0700) == 0 || errno == ENOENT) return;  // the umask may take from the owner, too
    throw Error(what + message_of(errno));
  }
  if (errno != EEXIST) throw Error(what + message_of(errno));
  if (const std::string why = why_not_private(directory); !why.empty()) throw Error(what + why);
}

constexpr std::size_t random_bytes = 5;

std::string random_name() {
  std::array<std::uint8_t, random_bytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error("no random numbers for the name of a socket: " + message_of(errno));
  std::string name;
  for (const unsigned byte : bytes) {
    name += "0123456789abcdef"[byte >> 4];
    name += "0123456789abcdef"[byte & 15];
  }
  return name;
}

// Whether it may be a result of random_name(). The directory may be one that the user has other files in.
bool is_random_name(std::string_view name) {
  return name.size() == 2 * random_bytes && name.find_first_not_of("0123456789abcdef") == name.npos;
}

// Nothing, unless the lock is free and still the file of that name.
FileDescriptor take_lock(const std::string& path, int flags) {
  FileDescriptor lock(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) return {};
  if ((flags & O_CREAT) != 0) ::fchmod(lock.get(), 0600);
  struct stat info {};
  return ::fstat(lock.get(), &info) == 0 && info.st_nlink > 0 ? std::move(lock) : FileDescriptor();
}

void remove_stale(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string lock_path = entry.path().string();
    if (entry.path().extension() != lock_end || !is_random_name(entry.path().stem().string())) continue;
    if (const FileDescriptor lock = take_lock(lock_path, 0)) {
      ::unlink(lock_path.substr(0, lock_path.size() - lock_end.size()).c_str());
      ::unlink(lock_path.c_str());
    }
  }
}

}  // namespace

std::string default_directory() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value != nullptr && *value == '/' ? value : "";
  };
  std::string parent = variable("XDG_RUNTIME_DIR");
  if (parent.empty() || ::access(parent.c_str(), W_OK) != 0) parent = variable("TMPDIR");
  if (parent.empty()) parent = "/tmp";
  return parent + "/cohort-" + std::to_string(::geteuid());
}

void clean(const std::string& directory) {
  if (!why_not_private(directory).empty()) return;
  remove_stale(directory);
  ::rmdir(directory.c_str());  // fails while others are in it
}

SocketName::SocketName(const std::string& directory) : directory_(directory) {
  int error = 0;
  for (int attempt = 0; attempt < 100 && !lock_; ++attempt) {  // the directory may go meanwhile
    make_private_directory(directory_);
    remove_stale(directory_);
    path_ = directory_ + '/' + random_name();
    lock_ = take_lock(path_ + std::string(lock_end), O_CREAT | O_EXCL);
    error = errno;
  }
  if (!lock_) throw Error("cannot make a socket in " + directory_ + ": " + message_of(error));
}

SocketName::~SocketName() {
  ::unlink(path_.c_str());
  ::unlink((path_ + std::string(lock_end)).c_str());
  ::rmdir(directory_.c_str());  // fails while others are in it
}

}  // namespace cohort_unix
