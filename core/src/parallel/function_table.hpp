#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include <cohort/detail/function_ref.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort::detail {

/// Which functions this process has sent to which workers. Equal content is sent to a worker only once. When the table
/// is cleared or destroyed, the workers drop the functions. Thread-safe.
class FunctionTable {
 public:
  FunctionTable() = default;
  ~FunctionTable() { clear(); }
  FunctionTable(const FunctionTable&) = delete;
  FunctionTable& operator=(const FunctionTable&) = delete;

  /// Returns the key of a function with this content: an existing key, or a new one.
  FunctionKey key_of(const PortableFunction& function);
  /// Whether the worker certainly has the function.
  bool is_at(FunctionKey key, Pid pid);
  /// Records that the function is being sent to the worker, and must be dropped there later.
  void sent(FunctionKey key, Pid pid);
  void arrived(FunctionKey key, Pid pid);
  /// Neither throws nor waits: a worker to which this process is not connected any more is not informed.
  void clear() noexcept;
  /// Number of known contents.
  std::size_t size() const;

 private:
  struct Entry {
    FunctionKey key;
    std::map<Pid, bool> at;  // whether it has arrived
  };
  Entry* find(FunctionKey key) COHORT_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ COHORT_GUARDED_BY(mutex_);                // by a hash of the content
  std::unordered_map<std::uint64_t, Entry*> numbered_ COHORT_GUARDED_BY(mutex_);  // the same by the number in the key
};

}  // namespace cohort::detail
