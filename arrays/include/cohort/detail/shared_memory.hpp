#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <cohort/remote_store.hpp>
#include <cohort/types.hpp>

// The memory of SharedArrays. Not for programs.

namespace COHORT_EXPORT cohort {

/// How the file of a SharedArray is opened; as in Julia's SharedArrays.
enum class FileMode : std::uint8_t {
  read,        ///< "r": it exists and is large enough
  read_write,  ///< "r+": the same; changes go to the file
  create,      ///< "w+": it is made, or made anew; its elements are zero
  extend       ///< "a+": it is made if it does not exist, and made longer if it is too short
};

namespace detail {

/// A memory that processes of one host share, as another process of the host can find it.
struct SharedMemoryName {
  std::string host;  ///< and where its process ids are valid
  std::int32_t ospid = 0;
  std::int32_t descriptor = -1;  ///< of that process; -1: `path` is a file
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::uint64_t offset = 0, bytes = 0;
  bool writable = true;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(host, ospid, descriptor, path, device, inode, offset, bytes, writable);
  }
};

/// A mapping of it in this process; there is one for each memory, which its handles share. Any thread.
class SharedMemory {
 public:
  /// Makes a memory of zeros. Its pages are reserved: there is room for all of them. @throws Error that says how much
  /// is wanted and how much there is.
  static std::shared_ptr<SharedMemory> create(std::size_t bytes);
  /// Maps a part of a file. @throws Error with the path.
  static std::shared_ptr<SharedMemory> map_file(const std::filesystem::path& path, FileMode mode, std::size_t offset,
                                                std::size_t bytes, std::size_t alignment);
  /// Maps the memory of another process, or returns the mapping that is there. @throws Error that says why it cannot:
  /// it is on another host, or was closed.
  static std::shared_ptr<SharedMemory> open(const SharedMemoryName& name);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return name_.bytes; }
  const SharedMemoryName& name() const { return name_; }

 private:
  SharedMemory(SharedMemoryName name, int descriptor, bool keeps_descriptor);

  SharedMemoryName name_;
  int descriptor_ = -1;  // where others find it: of the process that made it
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
  std::byte* data_ = nullptr;
};

/// Lives in the process that made a SharedArray as long as any process has a handle on that: so its descriptor is
/// open, and others can map the memory.
class SharedMemoryKeeper {
 public:
  SharedMemoryKeeper(std::shared_ptr<SharedMemory> memory, std::vector<Pid> pids);
  /// Tells the processes that keep the memory mapped to unmap it. May run on the loop.
  ~SharedMemoryKeeper();

 private:
  std::shared_ptr<SharedMemory> memory_;
  const std::vector<Pid> pids_;
};

/// Has this process keep the memory mapped until its keeper ends, so that the next call with the array need not map it.
void keep_mapped(const std::shared_ptr<SharedMemory>& memory);

/// All workers on the host of this process, or this process if there is none. @throws Error if `pids` is not empty and
/// one of them is on another host, or no process.
std::vector<Pid> processes_of_host(std::vector<Pid> pids);

}  // namespace detail
}  // namespace cohort
