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

/// A first-in first-out queue between those who put and those who take. Knows neither types nor threads nor processes:
/// whoever must wait leaves an operation here, and is told when it was its turn. Any thread.
///
/// Between two calls: no item is there while a take waits, and no put waits while there is room.
class ChannelQueue {
 public:
  enum class Kind : std::uint8_t { put, take, fetch, wait };

  class Operation : public std::enable_shared_from_this<Operation> {
   public:
    explicit Operation(Kind what) : kind(what) {}
    virtual ~Operation() = default;
    /// It is its turn, or it will fail: whether it still wants to know. If so, it must take it. The queue's lock is
    /// held.
    virtual bool claim(bool /*failing*/ = false) noexcept { return true; }
    /// It was done, or failed. Once, by whichever thread brought it about, without the lock: short, and no waits.
    virtual void done() noexcept = 0;
    /// The process that it is done for; no_pid: this one.
    virtual Pid client() const { return no_pid; }
    /// That process's number for it. A connection that broke may leave another one with the same number behind.
    virtual std::uint64_t request() const { return 0; }

    const Kind kind;
    ChannelItem item;            ///< what is put, or was got
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

  /// Does it at once or in its turn.
  void start(const OperationPtr& operation);
  /// Takes back what still waits. @return false: it was done.
  bool withdraw(const OperationPtr& operation);
  /// What waits for `client` under this number.
  std::vector<OperationPtr> waiting_for(Pid client, std::uint64_t request);
  /// Takes back everything that waits for `client`; nobody is told.
  void withdraw_all_of(Pid client);

  /// The same without waiting. @return whether it could be done. @throws what the channel was closed with.
  bool try_put(ChannelItem&& item);
  bool try_take(ChannelItem& item);
  bool try_fetch(ChannelItem& item);
  /// As try_take, but never throws.
  bool take_more(ChannelItem& item);
  /// The same, unless fits(item), asked once under the lock, says that it is to stay.
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

  /// Puts fail from now on, takes when nothing is left. @param reason null: ChannelClosedError. Only the first counts.
  void close(std::exception_ptr reason);
  ChannelStatus status();
  /// Calls visit(item) for everything that is kept. Under the lock.
  template <class F>
  void for_each(F visit) {
    detail::MutexLock lock(mutex_);
    for (const auto& item : items_) visit(item);
  }

 private:
  using Waiting = std::list<OperationPtr>;
  using Done = std::vector<OperationPtr>;

  Waiting& list_of(const Operation& operation) COHORT_REQUIRES(mutex_);
  Waiting::iterator unlink(Waiting::iterator place) COHORT_REQUIRES(mutex_);
  OperationPtr first_putter() COHORT_REQUIRES(mutex_);
  bool available() COHORT_REQUIRES(mutex_);
  ChannelItem take_first(Done& done) COHORT_REQUIRES(mutex_);
  void admit(Done& done) COHORT_REQUIRES(mutex_);
  void match(Done& done) COHORT_REQUIRES(mutex_);
  void fail(Waiting& waiting, Done& done) COHORT_REQUIRES(mutex_);
  static void tell(const Done& done);

  const std::size_t capacity_;
  Mutex mutex_;
  std::deque<ChannelItem> items_ COHORT_GUARDED_BY(mutex_);
  Waiting putters_ COHORT_GUARDED_BY(mutex_);  // lookers fetch or wait
  Waiting takers_ COHORT_GUARDED_BY(mutex_);
  Waiting lookers_ COHORT_GUARDED_BY(mutex_);
  // Those of other processes among them: a process may have very many waiting, and call each of them off.
  std::multimap<std::pair<Pid, std::uint64_t>, Operation*> of_clients_ COHORT_GUARDED_BY(mutex_);
  std::exception_ptr closed_by_ COHORT_GUARDED_BY(mutex_);  // null: open
};

}  // namespace cohort::detail
