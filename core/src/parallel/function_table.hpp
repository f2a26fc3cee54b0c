#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include <cohort/detail/function_ref.hpp>
#include <cohort/detail/mutex.hpp>

namespace cohort::detail {

/// Which functions this process has sent to whom. The same content is sent to a worker once. What it sent is dropped
/// there when the table is cleared or destroyed. Thread-safe.
class FunctionTable {
 public:
  FunctionTable() = default;
  ~FunctionTable() { clear(); }
  FunctionTable(const FunctionTable&) = delete;
  FunctionTable& operator=(const FunctionTable&) = delete;

  /// The key of a function with this content: the one of before, or a new one.
  FunctionKey key_of(const PortableFunction& function);
  /// Whether it is there for sure.
  bool is_at(FunctionKey key, Pid pid);
  /// It is on its way there, and will have to be dropped there.
  void sent(FunctionKey key, Pid pid);
  void arrived(FunctionKey key, Pid pid);
  /// Neither throws nor waits: a worker that this process is not connected to any more is not told.
  void clear() noexcept;
  /// Contents known now.
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
