#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include <cohort/detail/host_kind.hpp>

namespace cohort::detail {

void prefer_huge_pages(void* memory, std::size_t bytes) noexcept {
  constexpr std::size_t large = 4 << 20;  // two huge pages
  if (bytes < large) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace cohort::detail
