#pragma once

#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <cohort/array.hpp>
#include <cohort/detail/mutex.hpp>

#include "node/node_impl.hpp"
#include "parallel/named_values.hpp"
#include "plugin/module_loader.hpp"

namespace cohort {

/// What every process of the cluster must have: modules, in the order of loading, and named values. Only the master has
/// it. Workers that join get everything before they are admitted. All functions may wait: any thread but the loop.
class ReplicatedState {
 public:
  explicit ReplicatedState(NodeImpl& node) : node_(node) {}

  /// Loads a module in all present and future workers. This process has loaded it already. @throws CompositeException
  void add_module(const detail::Module& module, const Array<std::byte>& file);
  /// Sets a value in all present and future processes; chooses its version. @throws CompositeException
  void set_value(NamedValue value);
  /// Removes values in all processes, and for future workers. @throws CompositeException
  void clear(const std::vector<std::string>& names);
  void clear();
  /// Removes values only in these processes. @throws CompositeException
  void clear(const std::vector<std::string>& names, const std::vector<Pid>& pids);

  /// Gives everything to a worker that joined. From then on it gets what is new. @throws what went wrong there; the
  /// worker is not admitted then.
  void admit(Pid pid, Clock::time_point deadline);
  /// A worker is gone.
  void forget(Pid pid);

 private:
  /// A call that every process must receive; encoded once.
  struct Item {
    detail::FunctionId function;
    Payload arguments;
    std::shared_ptr<Item> otherwise;  // for a process where the call returns false
    std::set<Pid> holders;            // guarded by mutex_
  };
  using ItemPtr = std::shared_ptr<Item>;
  using Failures = std::map<Pid, std::exception_ptr>;
  struct ModuleEntry {
    std::string build_id;
    ItemPtr item;
  };
  struct ValueEntry {
    std::string digest;
    std::uint64_t version = 0;
    ItemPtr item;
  };

  template <auto Function, class... A>
  static ItemPtr make_item(const A&... arguments);
  template <class Pids>
  static std::vector<Pid> lacking_of(const Item& item, const Pids& pids);
  ItemPtr clearing(const std::string& name, std::uint64_t version, bool here);
  void deliver_all(const std::vector<ItemPtr>& items, const std::vector<Pid>& pids);
  std::vector<ItemPtr> items() const COHORT_REQUIRES(mutex_);
  Failures deliver(Item& item, const std::vector<Pid>& pids, Clock::time_point deadline = Clock::time_point::max());

  NodeImpl& node_;
  mutable detail::Mutex mutex_;  // not held while anything is sent
  std::vector<ModuleEntry> modules_ COHORT_GUARDED_BY(mutex_);
  std::map<std::string, ValueEntry> values_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> admitted_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> joining_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t version_ COHORT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cohort
