#pragma once

#include <functional>
#include <map>
#include <memory>
#include <typeinfo>
#include <vector>

#include <cohort/detail/function_ref.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort {

/// Functions with captured values that other processes sent once, to be called many times. They are kept until their
/// owner drops them, or is gone. Thread-safe.
class FunctionCache {
 public:
  void store(detail::FunctionKey key, std::shared_ptr<const void> function, const std::type_info& type);
  /// @throws Error, unimplemented, if it is not here, or is of another type.
  std::shared_ptr<const void> find(detail::FunctionKey key, const std::type_info& type) const;
  void drop(Pid owner, const std::vector<std::uint64_t>& ids);
  void drop_owners_that(const std::function<bool(Pid)>& are_gone);

 private:
  struct Entry {
    std::shared_ptr<const void> function;
    const std::type_info* type;
  };
  mutable detail::Mutex mutex_;  // functions are destroyed outside of it
  std::map<detail::FunctionKey, Entry> entries_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
