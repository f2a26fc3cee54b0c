#include <cohort/detail/shared_memory.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include <cohort/async.hpp>
#include <cohort/cluster.hpp>
#include <cohort/detail/members.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/detail/sealed_memory.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/remotecall.hpp>

namespace cohort::detail {
namespace {

std::string cause(int error) { return std::generic_category().message(error); }

std::string mebibytes(std::uint64_t bytes) {
  const auto tenths = bytes / (1 << 20) * 10 + bytes % (1 << 20) * 10 / (1 << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

/// This machine, or container, and where its process ids are valid.
const std::string& this_host() {
  static const auto* host = new std::string([] {
    char name[HOST_NAME_MAX + 1] = {};
    gethostname(name, HOST_NAME_MAX);
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    std::error_code none;
    return std::string(name) + '/' + boot + '/' + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
  }());
  return *host;
}

std::string host_name(const std::string& host) { return host.substr(0, host.find('/')); }

/// What a line of a file of the kernel says, in bytes; nothing if it says nothing.
std::uint64_t number_in(const char* path, const std::string& key, std::uint64_t factor) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto digit = line.find_first_of("0123456789", key.size());
    if (digit == line.npos) break;
    return std::strtoull(line.c_str() + digit, nullptr, 10) * factor;
  }
  return std::numeric_limits<std::uint64_t>::max();
}

/// The memory that this process may still use. Whoever reserves more is ended by the kernel, and not told.
std::uint64_t available_memory() {
  std::uint64_t available = number_in("/proc/meminfo", "MemAvailable:", 1024);
  const auto limit = number_in("/sys/fs/cgroup/memory.max", "", 1),
             used = number_in("/sys/fs/cgroup/memory.current", "", 1);
  if (limit != std::numeric_limits<std::uint64_t>::max() && used <= limit)
    available = std::min(available, limit - used);
  return available;
}

// The mappings of this process by what they are of.
using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, bool>;
Key key_of(const SharedMemoryName& name) { return {name.device, name.inode, name.offset, name.bytes, name.writable}; }

struct Mappings {
  Mutex mutex;
  std::map<Key, std::weak_ptr<SharedMemory>> open COHORT_GUARDED_BY(mutex);
  std::map<Key, std::shared_ptr<SharedMemory>> kept COHORT_GUARDED_BY(mutex);  // until their keeper ends
};

Mappings& mappings() {
  static auto* all = new Mappings;  // leaked: arrays may outlive static objects
  return *all;
}

void forget(const Key& key) {
  std::shared_ptr<SharedMemory> dropped;  // without the lock
  Mappings& all = mappings();
  const MutexLock lock(all.mutex);
  if (const auto found = all.kept.find(key); found != all.kept.end()) {
    dropped = std::move(found->second);
    all.kept.erase(found);
  }
}

void forget_name(const SharedMemoryName& name) { forget(key_of(name)); }

void identify(SharedMemoryName& name, int descriptor, const std::string& what) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0) throw Error(what + ": " + cause(errno));
  name.device = info.st_dev;
  name.inode = info.st_ino;
}

}  // namespace

SharedMemory::SharedMemory(SharedMemoryName name, int descriptor, bool keeps_descriptor) : name_(std::move(name)) {
  FileDescriptor owned(descriptor);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t before = name_.offset % page;
  mapped_ = name_.bytes + before;
  if (name_.bytes != 0) {
    mapping_ = mmap(nullptr, mapped_, PROT_READ | (name_.writable ? PROT_WRITE : 0), MAP_SHARED, descriptor,
                    static_cast<off_t>(name_.offset - before));
    if (mapping_ == MAP_FAILED) {
      mapping_ = nullptr;
      throw Error("cannot map " + mebibytes(name_.bytes) + " of a SharedArray" +
                  (name_.path.empty() ? "" : " in " + excerpt(name_.path)) + ": " + cause(errno));
    }
    data_ = static_cast<std::byte*>(mapping_) + before;
  }
  if (keeps_descriptor) descriptor_ = owned.release();
}

SharedMemory::~SharedMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
  if (descriptor_ >= 0) ::close(descriptor_);
  Mappings& all = mappings();
  const MutexLock lock(all.mutex);
  const auto found = all.open.find(key_of(name_));
  if (found != all.open.end() && found->second.expired()) all.open.erase(found);
}

std::shared_ptr<SharedMemory> SharedMemory::create(std::size_t bytes) {
  const std::string what = "cannot make a SharedArray of " + mebibytes(bytes);
  if (const auto available = available_memory(); bytes > available)
    throw Error(what + ": " + host_name(this_host()) + " has " + mebibytes(available) + " of memory left",
                ErrorKind::overloaded);
  FileDescriptor memory = make_sealed_memory("cohort-shared-array", bytes, true);
  if (!memory) {
    const int error = errno;
    throw Error(what + ": " + host_name(this_host()) + " has " + mebibytes(available_memory()) +
                    " of memory left: " + cause(error),
                ErrorKind::overloaded);
  }
  SharedMemoryName name{.host = this_host(), .ospid = getpid(), .descriptor = memory.get(), .path = "", .bytes = bytes};
  identify(name, memory.get(), what);
  const auto key = key_of(name);
  std::shared_ptr<SharedMemory> made(new SharedMemory(std::move(name), memory.release(), true));
  Mappings& all = mappings();
  const MutexLock lock(all.mutex);
  all.open[key] = made;
  return made;
}

std::shared_ptr<SharedMemory> SharedMemory::map_file(const std::filesystem::path& path, FileMode mode,
                                                     std::size_t offset, std::size_t bytes, std::size_t alignment) {
  const std::string what = "cannot map " + excerpt(path.string()) + " as a SharedArray";
  if (offset % alignment != 0)
    throw Error(what + ": the offset " + std::to_string(offset) + " is no multiple of " + std::to_string(alignment) +
                ", the alignment of its elements");
  const int flags = mode == FileMode::read     ? O_RDONLY
                    : mode == FileMode::create ? O_RDWR | O_CREAT | O_TRUNC
                    : mode == FileMode::extend ? O_RDWR | O_CREAT
                                               : O_RDWR;
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (file.get() < 0) throw Error(what + ": " + cause(errno));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) throw Error(what + ": " + cause(errno));
  std::size_t end;
  if (__builtin_add_overflow(offset, bytes, &end) || end > static_cast<std::size_t>(std::numeric_limits<off_t>::max()))
    throw Error(what + ": offset and size are larger than a file can be");
  if (static_cast<std::uint64_t>(info.st_size) < end) {
    if (mode == FileMode::read || mode == FileMode::read_write)
      throw Error(what + ": it has " + std::to_string(info.st_size) + " bytes, and " + std::to_string(end) +
                  " are needed (offset " + std::to_string(offset) + ")");
    if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(end)); error != 0)
      throw Error(what + ": it cannot have " + std::to_string(end) + " bytes: " + cause(error));
  }
  std::error_code none;
  SharedMemoryName name{.host = this_host(),
                        .ospid = getpid(),
                        .path = std::filesystem::absolute(path, none).string(),
                        .offset = offset,
                        .bytes = bytes,
                        .writable = mode != FileMode::read};
  identify(name, file.get(), what);
  return std::shared_ptr<SharedMemory>(new SharedMemory(std::move(name), file.release(), false));
}

std::shared_ptr<SharedMemory> SharedMemory::open(const SharedMemoryName& name) {
  if (name.host != this_host())
    throw Error("a SharedArray of host '" + excerpt(host_name(name.host)) + "' cannot be used on host '" +
                host_name(this_host()) +
                (host_name(name.host) == host_name(this_host()) ? "', in another container" : "'") +
                ": send a copy, or use a DArray");
  Mappings& all = mappings();
  {
    const MutexLock lock(all.mutex);
    if (const auto found = all.open.find(key_of(name)); found != all.open.end())
      if (auto memory = found->second.lock()) return memory;
  }
  // Workers never make a file longer or shorter.
  const std::string path = name.descriptor < 0
                               ? name.path
                               : "/proc/" + std::to_string(name.ospid) + "/fd/" + std::to_string(name.descriptor);
  FileDescriptor memory(::open(path.c_str(), (name.writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  const std::string what = "cannot map a SharedArray of process " + std::to_string(name.ospid);
  if (memory.get() < 0) {
    const int error = errno;
    if (name.descriptor >= 0 && access(("/proc/" + std::to_string(name.ospid)).c_str(), F_OK) != 0)
      throw Error(what + ": that process, which made it, has ended; who has the array can go on, but nobody else");
    throw Error(what + ": " + (error == ENOENT ? "it was closed" : cause(error)));
  }
  SharedMemoryName found = name;
  identify(found, memory.get(), what);
  if (found.device != name.device || found.inode != name.inode) throw Error(what + ": it was closed");
  std::shared_ptr<SharedMemory> mapped(new SharedMemory(std::move(found), memory.release(), false));
  const MutexLock lock(all.mutex);
  auto& place = all.open[key_of(name)];
  if (auto earlier = place.lock()) return earlier;  // by another thread meanwhile
  place = mapped;
  return mapped;
}

void keep_mapped(const std::shared_ptr<SharedMemory>& memory) {
  Mappings& all = mappings();
  const MutexLock lock(all.mutex);
  all.kept[key_of(memory->name())] = memory;
}

SharedMemoryKeeper::SharedMemoryKeeper(std::shared_ptr<SharedMemory> memory, std::vector<Pid> pids)
    : memory_(std::move(memory)), pids_(std::move(pids)) {}

SharedMemoryKeeper::~SharedMemoryKeeper() {
  try {
    async([memory = std::move(memory_), pids = pids_] {
      for (const Pid pid : pids) {
        try {
          call_member(fn<forget_name>, pid, memory->name());  // without waiting for it
        } catch (const std::exception&) {                     // it is gone
        }
      }
    });
  } catch (const std::exception&) {  // the cluster has ended
  }
}

std::vector<Pid> processes_of_host(std::vector<Pid> pids) {
  const auto here = procs(myid());
  if (pids.empty()) {
    pids = here;
    if (pids.size() > 1) std::erase(pids, master_pid);
    return pids;
  }
  for (std::size_t i = 0; i < pids.size(); i++)
    if (std::find(pids.begin(), pids.begin() + static_cast<std::ptrdiff_t>(i), pids[i]) !=
        pids.begin() + static_cast<std::ptrdiff_t>(i))
      throw Error("process " + std::to_string(pids[i]) + " is listed twice for a SharedArray");
  for (const Pid pid : pids) {
    if (std::find(here.begin(), here.end(), pid) != here.end()) continue;
    const std::string host = process_info(pid).host;
    throw Error("a SharedArray is for processes of one host: process " + std::to_string(pid) + " is on '" + host +
                "', and this one on '" + process_info(myid()).host + "'");
  }
  return pids;
}

}  // namespace cohort::detail
