#include <cohort/detail/parts.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <tuple>

#include <cohort/async.hpp>
#include <cohort/darray.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/detail/places.hpp>
#include <cohort/everywhere.hpp>

namespace cohort::detail {
namespace {

using PartName = std::tuple<UniqueId, std::size_t, Pid>;

struct Parts {
  Mutex mutex;
  std::map<PartName, std::shared_ptr<StoredPart>> all COHORT_GUARDED_BY(mutex);
  /// Arrays that were freed lately: a part of one that is made only now, by a call whose caller has failed, is not
  /// kept.
  std::deque<UniqueId> freed COHORT_GUARDED_BY(mutex);
};

constexpr std::size_t remembered = 1024;  // more than can be under way at a time

Parts& parts() {
  static auto* all = new Parts;  // leaked: keepers may outlive static objects
  return *all;
}

}  // namespace

UniqueId UniqueId::make() {
  static const std::uint64_t process = [] {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }();
  static std::atomic<std::uint64_t> numbers{0};
  return {process, ++numbers};
}

void PartLock::lock() {
  constexpr Duration patience = std::chrono::milliseconds(50);
  const MutexLock lock(mutex_);
  waiting_++;
  try {
    auto since = Clock::now();
    while (writing_ || readers_ > 0) {
      changed_.wait_until(mutex_, since + patience);
      if (Clock::now() < since + patience) continue;
      std::vector<std::pair<Pid, const void*>> lent;
      for (const Loan* loan : loans_) lent.emplace_back(loan->borrower, loan);
      const MutexUnlock unlocked(mutex_);
      for (const auto& [borrower, loan] : lent) copy_unsent(borrower, loan);
      since = Clock::now();
    }
  } catch (...) {
    waiting_--;
    throw;
  }
  waiting_--;
  writing_ = true;
}

void PartLock::unlock() {
  const MutexLock lock(mutex_);
  writing_ = false;
  changed_.notify_all();
}

void PartLock::lock_shared() {
  const MutexLock lock(mutex_);
  while (writing_) changed_.wait(mutex_);
  readers_++;
}

bool PartLock::try_lock_shared() {
  const MutexLock lock(mutex_);
  if (writing_) return false;
  readers_++;
  return true;
}

void PartLock::unlock_shared() {
  const MutexLock lock(mutex_);
  if (--readers_ == 0) changed_.notify_all();
}

bool PartLock::lend(const Loan& loan) {
  const MutexLock lock(mutex_);
  if (writing_ || waiting_ > 0) return false;
  loans_.push_back(&loan);
  readers_++;
  return true;
}

void PartLock::take_back(const Loan& loan) {
  const MutexLock lock(mutex_);
  std::erase(loans_, &loan);
  if (--readers_ == 0) changed_.notify_all();
}

Loan::Loan(std::shared_ptr<StoredPart> the_part, Pid the_borrower)
    : part(std::move(the_part)), borrower(the_borrower), granted(part->mutex.lend(*this)) {}

Loan::~Loan() {
  if (granted) part->mutex.take_back(*this);
}

bool StoredPart::note_change(const UniqueId& change) {
  const MutexLock lock(changes_mutex_);
  if (std::ranges::find(changes_, change) != changes_.end()) return true;
  if (changes_.size() == remembered) changes_.pop_front();
  changes_.push_back(change);
  return false;
}

void store_part(const UniqueId& array, std::size_t place, Pid pid, std::shared_ptr<StoredPart> part) {
  Parts& here = parts();
  const MutexLock lock(here.mutex);
  if (std::ranges::find(here.freed, array) != here.freed.end()) return;
  here.all[{array, place, pid}].swap(part);  // the earlier one is freed without the lock
}

std::shared_ptr<StoredPart> find_part(const UniqueId& array, std::size_t place, Pid pid) {
  Parts& here = parts();
  const MutexLock lock(here.mutex);
  const auto found = here.all.find({array, place, pid});
  return found == here.all.end() ? nullptr : found->second;
}

void forget_parts(const UniqueId& array) {
  std::vector<std::shared_ptr<StoredPart>> parts_of_it;  // without the lock
  Parts& here = parts();
  const MutexLock lock(here.mutex);
  if (here.freed.size() == remembered) here.freed.pop_front();
  here.freed.push_back(array);
  auto next = here.all.lower_bound({array, 0, 0});
  while (next != here.all.end() && std::get<0>(next->first) == array) {
    parts_of_it.push_back(std::move(next->second));
    next = here.all.erase(next);
  }
}

std::size_t count_parts() {
  Parts& here = parts();
  const MutexLock lock(here.mutex);
  return here.all.size();
}

void fail_closed() { throw Error("the array was closed"); }

void fail_lost(const std::exception_ptr& death, const std::string& box, std::span<const std::size_t> extents) {
  try {
    std::rethrow_exception(death);
  } catch (const ProcessExitedException& error) {
    throw ProcessExitedException(error.worker_id(), error.cause() + "; it held the part " + box + " of an array of " +
                                                        extents_text(extents) + " elements, which is lost");
  }
}

bool is_whole(const Placement& placement) {
  const auto all = procs();
  const auto alive = [&](Pid pid) { return pid == no_pid || std::ranges::binary_search(all, pid); };
  return std::ranges::all_of(placement.owners, alive) && std::ranges::all_of(placement.copies, alive);
}

bool is_alive(Pid pid) {
  const auto all = procs();
  return std::ranges::binary_search(all, pid);
}

std::exception_ptr death_of(Pid pid) {
  try {
    remotecall_wait(
        {.deadline = std::chrono::seconds(5)}, [] {}, pid);  // fails at once
  } catch (const ProcessExitedException&) {
    return std::current_exception();
  } catch (const std::exception&) {
  }
  return std::make_exception_ptr(ProcessExitedException(pid, "it has ended"));
}

std::exception_ptr death_in(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProcessExitedException&) {
    return failure;
  } catch (const RemoteException& error) {
    return error.cause() == nullptr ? nullptr : death_in(error.cause());
  } catch (...) {
    return nullptr;
  }
}

Pid dead_process(const std::exception_ptr& death) {
  try {
    std::rethrow_exception(death);
  } catch (const ProcessExitedException& error) {
    return error.worker_id();
  }
}

void warn_of_scalar_access(std::uint64_t messages) {
  std::fprintf(stderr,
               "cohort: %llu elements of a DArray were read one by one, each with a message to another "
               "process: get(box) needs one message for each part\n",
               static_cast<unsigned long long>(messages));
}

ArrayKeeper::ArrayKeeper(UniqueId id, Placement placement) : id_(id), placement_(std::move(placement)) {
  repairing_.put(0);
  pids_ = placement_.owners;
  pids_.insert(pids_.end(), placement_.copies.begin(), placement_.copies.end());
}

std::vector<Pid> ArrayKeeper::take_pids() {
  const MutexLock lock(mutex_);
  auto pids = std::move(pids_);
  pids_.clear();
  std::ranges::sort(pids);
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  std::erase(pids, no_pid);
  return pids;
}

ArrayKeeper::~ArrayKeeper() {
  const auto pids = take_pids();
  if (pids.empty()) return;
  forget_parts(id_);  // also if the cluster has ended; and those of all nodes in this process
  try {
    async([id = id_, pids] {
      for (const Pid pid : pids) {
        try {
          remote_do(fn<forget_parts>, pid, id);  // the master is connected to all
        } catch (const std::exception&) {        // it is gone
        }
      }
    });
  } catch (const std::exception&) {  // the cluster has ended
  }
}

Placement ArrayKeeper::placement() const {
  const MutexLock lock(mutex_);
  return placement_;
}

void ArrayKeeper::repair(const std::function<void(Placement&)>& repair) {
  struct Turn {
    const Channel<char>& token;
    explicit Turn(const Channel<char>& the_token) : token(the_token) { token.take(); }
    ~Turn() { token.try_put(0); }
  };
  const Turn turn(repairing_);
  Placement repaired = placement();
  repair(repaired);
  const MutexLock lock(mutex_);
  pids_.insert(pids_.end(), repaired.owners.begin(), repaired.owners.end());
  pids_.insert(pids_.end(), repaired.copies.begin(), repaired.copies.end());
  placement_ = std::move(repaired);
}

void ArrayKeeper::close() {
  fetch_all(take_pids(), fn<forget_parts>, id_);  // those that are gone have freed them
}

RemoteStore<ArrayKeeper> make_keeper(const UniqueId& id, const Placement& placement) {
  return RemoteStore<ArrayKeeper>::on(master_pid, id, placement);
}

}  // namespace cohort::detail
