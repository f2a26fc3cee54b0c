#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace cohort {

/// Removes expired weak pointers from a container, so that it does not grow. It searches the container only when that
/// has doubled in size, so the average time to add a pointer is constant. Not thread-safe.
class Pruning {
 public:
  /// To be called before something is added.
  template <class Container, class IsExpired>
  void erase_expired(Container& container, IsExpired is_expired) {
    if (container.size() < look_at_) return;
    std::erase_if(container, is_expired);
    look_at_ = std::max<std::size_t>(least, 2 * container.size());
  }

 private:
  static constexpr std::size_t least = 16;
  std::size_t look_at_ = least;
};

}  // namespace cohort
