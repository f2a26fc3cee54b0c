#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <typeinfo>
#include <vector>

#include <cohort/channel.hpp>
#include <cohort/detail/layout.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/remote_store.hpp>

// The parts of distributed arrays in this process, and what counts the handles on an array.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Of an array, and of a change of one; no two are equal, in any process.
struct UniqueId {
  std::uint64_t process = 0, number = 0;
  static UniqueId make();
  friend auto operator<=>(const UniqueId&, const UniqueId&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(process, number);
  }
};

/// Which processes have the places of an array.
struct Placement {
  std::vector<Pid> owners;  ///< of each place
  std::vector<Pid> copies;  ///< who has a copy of it; empty if there are no copies; no_pid: nobody now
  template <class Archive>
  void serialize(Archive& archive) {
    archive(owners, copies);
  }
};

/// What a process has to know of an array to work with it.
template <std::size_t N>
struct ArrayHead {
  UniqueId id;
  std::array<DimensionLayout, N> dimensions;
  Placement placement;

  Extents<N> extents() const {
    Extents<N> result;
    for (std::size_t i = 0; i < N; i++) result[i] = dimensions[i].extent;
    return result;
  }
  Extents<N> grid() const {
    Extents<N> result;
    for (std::size_t i = 0; i < N; i++) result[i] = dimensions[i].places;
    return result;
  }
  std::size_t places() const { return element_count(grid()); }
  Index<N> coordinates(std::size_t place) const {
    Index<N> result;
    for (std::size_t i = N; i-- > 0; place /= dimensions[i].places) result[i] = place % dimensions[i].places;
    return result;
  }
  Region<N> region(std::size_t place) const {
    const auto at = coordinates(place);
    Region<N> result;
    for (std::size_t i = 0; i < N; i++) result.dimensions[i] = dimensions[i].runs(at[i]);
    return result;
  }
  std::size_t place_of_index(const Index<N>& index) const {
    Index<N> at;
    for (std::size_t i = 0; i < N; i++) at[i] = dimensions[i].place_of(index[i]);
    return place_of(at, grid());
  }
  /// Calls `visit(place, region)` for the places that have some of it; the region is what they have.
  template <class Visit>
  void for_each_place(const Region<N>& wanted, Visit&& visit) const {
    for (std::size_t place = 0; place < places(); place++)
      if (auto both = intersection(region(place), wanted); !both.empty()) visit(place, both);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(id, dimensions, placement);
  }
};

class Loan;

/// Held while elements of a part are copied in and out. Functions of the program run without it, as over a std::vector.
/// For std::unique_lock and std::shared_lock. Who wants to read does not wait for who waits to write.
class PartLock {
 public:
  /// What is lent to a process that takes nothing is copied for it after a while.
  void lock();
  void unlock();
  void lock_shared();
  bool try_lock_shared();
  void unlock_shared();

 private:
  friend class Loan;
  /// @return false: somebody waits to write, and should not wait for what is sent as well.
  bool lend(const Loan& loan);
  void take_back(const Loan& loan);

  Mutex mutex_;
  ConditionVariable changed_;
  int readers_ COHORT_GUARDED_BY(mutex_) = 0;  // loans included
  int waiting_ COHORT_GUARDED_BY(mutex_) = 0;  // to write
  bool writing_ COHORT_GUARDED_BY(mutex_) = false;
  std::vector<const Loan*> loans_ COHORT_GUARDED_BY(mutex_);
};

/// A part of an array in this process. Any thread.
class StoredPart {
 public:
  explicit StoredPart(const std::type_info& the_type) : type(the_type) { token.put(0); }
  virtual ~StoredPart() = default;

  const std::type_info& type;  ///< of the values
  PartLock mutex;
  /// For a part with a copy: who changes it takes the token, changes it, has the copy changed, and puts the token back.
  /// It is a channel, so that the slot of a thread that waits is free.
  Channel<char> token{1};
  /// The other process that has the part: if this has the copy, the owner, and vice versa. no_pid: none, or it is gone.
  std::atomic<Pid> other{no_pid};
  /// Whether this change was made already. If not, it is from now on. Called with the token.
  bool note_change(const UniqueId& change);

 private:
  Mutex changes_mutex_;
  std::deque<UniqueId> changes_ COHORT_GUARDED_BY(changes_mutex_);  // the last ones
};

/// Elements of a part that are being sent to a process out of the part's own memory. If it was granted, the part is
/// locked for reading as long as the object lives, on any thread. It owns the segment that is sent.
class Loan {
 public:
  Loan(std::shared_ptr<StoredPart> part, Pid borrower);
  ~Loan();
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  const std::shared_ptr<StoredPart> part;
  const Pid borrower;
  const bool granted;
  std::shared_ptr<const void> memory;  ///< should the program give the part other memory
};

/// Holds the token of a part for a scope.
class ChangeTurn {
 public:
  explicit ChangeTurn(const StoredPart& part) : token_(part.token) { token_.take(); }
  ~ChangeTurn() { token_.try_put(0); }
  ChangeTurn(const ChangeTurn&) = delete;
  ChangeTurn& operator=(const ChangeTurn&) = delete;

 private:
  const Channel<char> token_;
};

template <class Values, std::size_t N>
class PartOf : public StoredPart {
 public:
  PartOf(Region<N> region_of_it, Values the_values)
      : StoredPart(typeid(PartOf)), region(std::move(region_of_it)), values(std::move(the_values)) {}
  const Region<N> region;
  Values values;
};

/// Keeps a part for process `pid`, which is one of this process's nodes, in place of an earlier one.
void store_part(const UniqueId& array, std::size_t place, Pid pid, std::shared_ptr<StoredPart> part);
/// @return null if there is none.
std::shared_ptr<StoredPart> find_part(const UniqueId& array, std::size_t place, Pid pid);
/// Frees all parts of the array in this process.
void forget_parts(const UniqueId& array);
/// How many parts of arrays this process has, for tests.
std::size_t count_parts();
/// @throws Error: the array was closed.
[[noreturn]] void fail_closed();
/// @throws ProcessExitedException that says which part was lost.
[[noreturn]] void fail_lost(const std::exception_ptr& death, const std::string& box,
                            std::span<const std::size_t> extents);
/// Whether it is one of the processes of the cluster.
bool is_alive(Pid pid);
/// Whether all processes of the placement are there.
bool is_whole(const Placement& placement);
/// The exception that a call to this process, which is gone, throws.
std::exception_ptr death_of(Pid pid);
/// The exception that a function threw which failed because a process had ended, also one that it had called; null for
/// others.
std::exception_ptr death_in(const std::exception_ptr& failure);
/// Which process's end it says.
Pid dead_process(const std::exception_ptr& death);
/// Prints that elements are read one by one.
void warn_of_scalar_access(std::uint64_t messages);

/// Lives on the master as long as any process has a handle on an array.
class ArrayKeeper {
 public:
  ArrayKeeper(UniqueId id, Placement placement);
  /// Has the parts freed. May run on the loop.
  ~ArrayKeeper();

  Placement placement() const;
  /// Calls `repair(placement)`, which changes it; one at a time.
  void repair(const std::function<void(Placement&)>& repair);
  /// Has the parts freed, and waits for it.
  void close();

 private:
  std::vector<Pid> take_pids();

  const UniqueId id_;
  const Channel<char> repairing_{1};
  mutable Mutex mutex_;
  Placement placement_ COHORT_GUARDED_BY(mutex_);
  std::vector<Pid> pids_ COHORT_GUARDED_BY(mutex_);  // all that ever had a part
};

/// Makes one on the master.
RemoteStore<ArrayKeeper> make_keeper(const UniqueId& id, const Placement& placement);

}  // namespace detail
}  // namespace cohort
