#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace cohort {

/// Keeps a container of weak pointers from growing with those that have expired. It looks through the container only
/// when that has doubled since, so that adding one takes the same time however many are there. Not thread-safe.
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
