#include <cohort/detail/sealed_memory.hpp>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/text.hpp"

namespace cohort::detail {
namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// The kernel would not only refuse: it would end the process by SIGXFSZ.
bool is_within_file_limit(std::size_t bytes) {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur;
}

}  // namespace

FileDescriptor make_sealed_memory(const char* name, std::size_t bytes, bool reserved) {
  if (!is_within_file_limit(bytes)) {
    errno = EFBIG;
    return {};
  }
  FileDescriptor memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return {};
  int error = 0;
  if (bytes != 0 && reserved)
    error = ::posix_fallocate(memory.get(), 0, static_cast<off_t>(bytes));
  else if (::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0)
    error = errno;
  if (error == 0 && ::fcntl(memory.get(), F_ADD_SEALS, seals) != 0) error = errno;
  if (error == 0) return memory;
  memory.reset();
  errno = error;
  return {};
}

std::string wrong_sealed_memory(int descriptor, std::size_t bytes) {
  struct stat info {};
  struct statfs system {};
  if (::fstat(descriptor, &info) != 0 || ::fstatfs(descriptor, &system) != 0) return errno_text(errno);
  const int found = ::fcntl(descriptor, F_GET_SEALS);
  // Pages of a hugetlbfs may be missing when they are touched.
  if (!S_ISREG(info.st_mode) || system.f_type != TMPFS_MAGIC || found < 0) return "it is not a memory";
  if ((found & seals) != seals || (found & F_SEAL_WRITE) != 0) return "its size could change, or it cannot be written";
  if (info.st_size != static_cast<off_t>(bytes))
    return "it has " + std::to_string(info.st_size) + " bytes and not " + std::to_string(bytes);
  return "";
}

}  // namespace cohort::detail
