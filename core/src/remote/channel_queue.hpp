#pragma once

#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <cohort/detail/channels.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

namespace cohort::detail {

/// The first-in, first-out queue of a channel. It knows neither types nor threads nor processes: an operation that must
/// wait is stored here, and is notified when it is completed. Any thread may use it.
///
/// Invariant between two calls: there is no item while a take waits, and no put waits while there is room.
class ChannelQueue {
 public:
  enum class Kind : std::uint8_t {
    put,
    take,
    lease,  ///< a take whose item is kept until end_lease()
    fetch,
    wait
  };

  class Operation : public std::enable_shared_from_this<Operation> {
   public:
    explicit Operation(Kind what) : kind(what) {}
    virtual ~Operation() = default;
    /// Asked when the operation can be completed, or will fail: whether it still waits. If true, it must accept the
    /// result. The queue's lock is held.
    virtual bool claim(bool /*failing*/ = false) noexcept { return true; }
    /// Called once when the operation was done or failed, by the thread that caused this, without the lock. Must be
    /// short and must not wait.
    virtual void done() noexcept = 0;
    /// The process for which it is done; no_pid: this one.
    virtual Pid client() const { return no_pid; }
    /// The request number of that process. After a broken connection there may be another operation with the same
    /// number.
    virtual std::uint64_t request() const { return 0; }

    const Kind kind;
    ChannelItem item;  ///< what is put, or was got
    /// What the same put puts after `item`. It keeps its turn until all are in; if it ends before, the first ones are.
    std::deque<ChannelItem> further_items;
    std::uint64_t lease = 0;     ///< of a lease that was got: its number
    std::exception_ptr failure;  ///< set before done()

   private:
    friend class ChannelQueue;
    // Guarded by the queue's lock.
    bool queued_ = false;
    std::list<std::shared_ptr<Operation>>::iterator place_;  // where it waits
    bool of_client_ = false;
    std::multimap<std::pair<Pid, std::uint64_t>, Operation*>::iterator place_of_client_;
  };
  using OperationPtr = std::shared_ptr<Operation>;

  explicit ChannelQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Does the operation at once or in its turn.
  void start(const OperationPtr& operation);
  /// Cancels an operation that still waits. @return false if it was done.
  bool withdraw(const OperationPtr& operation);
  /// Returns the waiting operations of `client` with this number.
  std::vector<OperationPtr> waiting_for(Pid client, std::uint64_t request);
  /// Cancels all waiting operations of `client`, without notification, and ends its leases: their items go back.
  void drop_client(Pid client);

  /// Ends a lease; does nothing if it has ended. @param back whether its item goes back, to the front of the queue.
  void end_lease(Pid client, std::uint64_t lease, bool back);
  /// Ends all leases of `client`: their items go back, in their order.
  void end_leases(Pid client);

  /// Does the operation without waiting. @return whether it was done. @throws the reason why the channel was closed.
  bool try_put(ChannelItem&& item);
  bool try_take(ChannelItem& item);
  bool try_fetch(ChannelItem& item);
  /// Like try_take(), but never throws.
  bool take_more(ChannelItem& item);
  /// Takes the item only if fits(item) is true. Calls fits() once, under the lock.
  template <class F>
  bool take_more(ChannelItem& item, F fits) {
    Done done;
    MutexLock lock(mutex_);
    if (!available() || !fits(items_.empty() ? putters_.front()->item : items_.front())) return false;
    item = take_first(done);
    lock.unlock();
    tell(done);
    return true;
  }

  /// Closes the channel: puts fail from now on, takes fail when no item is left. @param reason null:
  /// ChannelClosedError. Only the first call has an effect.
  void close(std::exception_ptr reason);
  ChannelStatus status();
  /// Calls visit(item) for all items that are stored or leased, under the lock.
  template <class F>
  void for_each(F visit) {
    detail::MutexLock lock(mutex_);
    for (const auto& item : items_) visit(item);
    for (const auto& [lease, item] : leases_) visit(item);
  }

 private:
  using Waiting = std::list<OperationPtr>;
  using Done = std::vector<OperationPtr>;

  Waiting& list_of(const Operation& operation) COHORT_REQUIRES(mutex_);
  Waiting::iterator unlink(Waiting::iterator place) COHORT_REQUIRES(mutex_);
  OperationPtr first_putter() COHORT_REQUIRES(mutex_);
  bool available() COHORT_REQUIRES(mutex_);
  ChannelItem take_first(Done& done) COHORT_REQUIRES(mutex_);
  ChannelItem take_from_first_putter(Done& done) COHORT_REQUIRES(mutex_);
  void admit(Done& done) COHORT_REQUIRES(mutex_);
  void give(Operation& taker, ChannelItem item) COHORT_REQUIRES(mutex_);
  void match(Done& done) COHORT_REQUIRES(mutex_);
  void fail(Waiting& waiting, Done& done) COHORT_REQUIRES(mutex_);
  bool exhausted() COHORT_REQUIRES(mutex_);
  void take_back(Pid client) COHORT_REQUIRES(mutex_);
  static void tell(const Done& done);

  const std::size_t capacity_;
  Mutex mutex_;
  std::deque<ChannelItem> items_ COHORT_GUARDED_BY(mutex_);
  std::map<std::pair<Pid, std::uint64_t>, ChannelItem> leases_ COHORT_GUARDED_BY(mutex_);  // by client and number
  std::uint64_t last_lease_ COHORT_GUARDED_BY(mutex_) = 0;
  Waiting putters_ COHORT_GUARDED_BY(mutex_);  // lookers fetch or wait
  Waiting takers_ COHORT_GUARDED_BY(mutex_);
  Waiting lookers_ COHORT_GUARDED_BY(mutex_);
  // The operations of other processes among them: a process may have very many waiting, and cancel each of them.
  std::multimap<std::pair<Pid, std::uint64_t>, Operation*> of_clients_ COHORT_GUARDED_BY(mutex_);
  std::exception_ptr closed_by_ COHORT_GUARDED_BY(mutex_);  // null: open
};

}  // namespace cohort::detail
