#include "wire/segment_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include <cohort/detail/mutex.hpp>

namespace cohort {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = 2 << 20;
constexpr std::size_t mapped_from = 1 << 20;
constexpr std::size_t pool_limit = 256 << 20;

struct Block {
  std::byte* data;
  std::size_t size;  // whole huge pages
  Clock::time_point freed{};
};

Block map_block(std::size_t size) {
  // One page more than needed, so that there is an aligned place; the rest goes back at once.
  const std::size_t mapped = size + huge_page;
  void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<std::byte*>(memory);
  const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
  if (before != 0) ::munmap(begin, before);
  if (before != huge_page) ::munmap(begin + before + size, huge_page - before);
  ::madvise(begin + before, size, MADV_HUGEPAGE);  // only a hint: kernels without it work as well
  return {begin + before, size, {}};
}

/// Freed blocks, the oldest first. Never destroyed: segments may be freed by static destructors.
class SegmentPool {
 public:
  static SegmentPool& instance() {
    static SegmentPool& pool = *new SegmentPool;
    return pool;
  }

  Block take(std::size_t size) {
    {
      detail::MutexLock lock(mutex_);
      for (auto i = blocks_.rbegin(); i != blocks_.rend(); ++i) {
        if (i->size < size || i->size > 2 * size) continue;
        const Block block = *i;
        blocks_.erase(std::next(i).base());
        held_ -= block.size;
        return block;
      }
    }
    return map_block(size);
  }

  void give(Block block) noexcept {
    if (block.size > pool_limit) return unmap(block);
    detail::MutexLock lock(mutex_);
    while (held_ + block.size > pool_limit) {
      unmap(blocks_.front());
      held_ -= blocks_.front().size;
      blocks_.erase(blocks_.begin());
    }
    block.freed = Clock::now();
    blocks_.push_back(block);  // never allocates: see the constructor
    held_ += block.size;
  }

  void trim(Clock::time_point freed_before) noexcept {
    detail::MutexLock lock(mutex_);
    const auto end =
        std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& block) { return block.freed > freed_before; });
    for (auto block = blocks_.begin(); block != end; ++block) {
      unmap(*block);
      held_ -= block->size;
    }
    blocks_.erase(blocks_.begin(), end);
  }

  std::size_t held() {
    detail::MutexLock lock(mutex_);
    return held_;
  }

 private:
  SegmentPool() { blocks_.reserve(pool_limit / huge_page); }
  static void unmap(Block block) noexcept { ::munmap(block.data, block.size); }

  detail::Mutex mutex_;
  std::vector<Block> blocks_ COHORT_GUARDED_BY(mutex_);
  std::size_t held_ COHORT_GUARDED_BY(mutex_) = 0;  // bytes in blocks_
};

}  // namespace

std::shared_ptr<std::byte> allocate_segment(std::size_t size) {
  if (size < mapped_from) {
    auto* data = static_cast<std::byte*>(::operator new (size, std::align_val_t{alignment}));
    return {data, [](std::byte* memory) { ::operator delete (memory, std::align_val_t{alignment}); }};
  }
  if (size > SIZE_MAX - 2 * huge_page) throw std::bad_alloc();
  const Block block = SegmentPool::instance().take((size + huge_page - 1) / huge_page * huge_page);
  return {block.data, [block](std::byte*) { SegmentPool::instance().give(block); }};
}

void trim_segments(Duration unused_for) { SegmentPool::instance().trim(Clock::now() - unused_for); }

std::size_t segments_kept() { return SegmentPool::instance().held(); }

Segment copy_segment(std::span<const std::byte> bytes) {
  std::shared_ptr<std::byte> copy = allocate_segment(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  const std::byte* data = copy.get();
  return {std::move(copy), data, bytes.size()};
}

}  // namespace cohort
