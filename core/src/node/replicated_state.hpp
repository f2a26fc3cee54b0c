#pragma once

#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <cohort/array.hpp>
#include <cohort/detail/mutex.hpp>

#include "node/node.hpp"
#include "parallel/named_values.hpp"
#include "plugin/module_loader.hpp"

namespace cohort {

/// What every process of the cluster is to have: modules, in the order of loading, and named values. The master's.
/// Workers that join are brought up to date before they are admitted. Any thread, but all may wait: not the loop.
class ReplicatedState {
 public:
  explicit ReplicatedState(Node& node) : node_(node) {}

  /// For all workers, now and later. This process has loaded it. @throws CompositeException
  void add_module(const detail::Module& module, const Array<std::byte>& file);
  /// For all processes, now and later; the version is given here. @throws CompositeException
  void set_value(NamedValue value);
  /// In all processes, and for workers to come. @throws CompositeException
  void clear(const std::vector<std::string>& names);
  void clear();
  /// Only there. @throws CompositeException
  void clear(const std::vector<std::string>& names, const std::vector<Pid>& pids);

  /// Gives everything to a worker that joined. From then on it gets what is new. @throws what went wrong there; the
  /// worker is not admitted then.
  void admit(Pid pid, Clock::time_point deadline);
  /// A worker is gone.
  void forget(Pid pid);

 private:
  /// A call that every process needs to have got; encoded once.
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

  Node& node_;
  mutable detail::Mutex mutex_;  // not held while anything is sent
  std::vector<ModuleEntry> modules_ COHORT_GUARDED_BY(mutex_);
  std::map<std::string, ValueEntry> values_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> admitted_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> joining_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t version_ COHORT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cohort
