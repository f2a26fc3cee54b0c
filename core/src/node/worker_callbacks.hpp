#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/lifecycle.hpp>

namespace cohort {

class NodeImpl;

/// The functions that a program has called when workers come and go. Each key has a thread, so that a function that
/// does not return holds up those of its own key only. All functions may wait: any thread but the loop.
class CallbackTable {
 public:
  explicit CallbackTable(NodeImpl& node) : node_(node) {}

  /// @throws ConfigError if the key is in use.
  void add(const std::string& key, WorkerCallbacks callbacks);
  void remove(const std::string& key);
  bool empty() const;
  /// The longest time that one event may take.
  Duration longest() const;
  /// @return false: some still run at the deadline; running() names them.
  bool wait_until_idle(Clock::time_point deadline);
  std::string running() const;
  /// @throws Error if the calling thread runs one of the functions, for which adding and removing workers wait.
  static void refuse_on_this_thread(const char* what);

  /// Each waits for the functions, as long as their limits say. @throws what one of them throws.
  void starting(const std::string& manager, const LaunchParams& params);
  /// Never throws, like the others: what a function throws is logged.
  void started(Pid worker) noexcept;
  void exiting(Pid worker) noexcept;
  /// If it comes before started(), that calls it.
  void exited(Pid worker, const std::string& cause) noexcept;

 private:
  struct Entry;
  struct Call;
  using Calls = std::vector<std::pair<std::shared_ptr<Entry>, std::shared_ptr<Call>>>;
  using Pick = std::function<std::function<void()>(const WorkerCallbacks&)>;
  std::vector<std::shared_ptr<Entry>> entries() const;
  Calls begin(const std::string& event, const Pick& pick);
  std::vector<std::exception_ptr> finish(const std::string& event, const Calls& calls);
  Calls begin_exited(Pid worker, const std::string& cause);

  NodeImpl& node_;
  // Held while functions are queued, so that each key gets those of one worker in their order; not while they run.
  detail::Mutex order_;
  std::set<Pid> started_ COHORT_GUARDED_BY(order_);                    // and not exited
  std::map<Pid, std::string> exited_early_ COHORT_GUARDED_BY(order_);  // with the cause
  mutable detail::Mutex mutex_;                                        // taken behind order_
  std::map<std::string, std::shared_ptr<Entry>> entries_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Entry>> removed_ COHORT_GUARDED_BY(mutex_);  // with a function that may still run
};

}  // namespace cohort
