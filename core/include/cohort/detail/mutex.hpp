#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include <cohort/detail/export.hpp>
#include <cohort/types.hpp>

// Locks, and annotations for what a lock guards. Clang checks the annotations (-Wthread-safety, the preset `clang`);
// for other compilers they are empty.
#if defined(__clang__)
#define COHORT_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define COHORT_THREAD_ATTRIBUTE(x)
#endif

#define COHORT_CAPABILITY(name) COHORT_THREAD_ATTRIBUTE(capability(name))
#define COHORT_SCOPED_CAPABILITY COHORT_THREAD_ATTRIBUTE(scoped_lockable)
/// After a field: it is read and written only while this mutex is held.
#define COHORT_GUARDED_BY(mutex) COHORT_THREAD_ATTRIBUTE(guarded_by(mutex))
/// After a pointer: its target is read and written only while this mutex is held.
#define COHORT_PT_GUARDED_BY(mutex) COHORT_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
/// After a function: the caller holds these mutexes, before and after the call.
#define COHORT_REQUIRES(...) COHORT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
/// After a function: the caller must not hold these mutexes.
#define COHORT_EXCLUDES(...) COHORT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
/// After a function: it locks these mutexes, and holds them when it returns.
#define COHORT_ACQUIRE(...) COHORT_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
/// After a function: it unlocks these mutexes.
#define COHORT_RELEASE(...) COHORT_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define COHORT_ACQUIRE_SHARED(...) COHORT_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define COHORT_RELEASE_SHARED(...) COHORT_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))

namespace COHORT_EXPORT cohort {
namespace detail {

/// A std::mutex that the annotations above can name.
class COHORT_CAPABILITY("mutex") Mutex {
 public:
  void lock() COHORT_ACQUIRE() { mutex_.lock(); }
  void unlock() COHORT_RELEASE() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

/// Holds a mutex for a scope, or until unlock().
class COHORT_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) COHORT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() COHORT_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() COHORT_RELEASE() {
    held_ = false;
    mutex_.unlock();
  }
  void lock() COHORT_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

/// Releases a mutex that the caller holds, for a scope.
class COHORT_SCOPED_CAPABILITY MutexUnlock {
 public:
  explicit MutexUnlock(Mutex& mutex) COHORT_RELEASE(mutex) : mutex_(mutex) { mutex_.unlock(); }
  ~MutexUnlock() COHORT_RELEASE() { mutex_.lock(); }
  MutexUnlock(const MutexUnlock&) = delete;
  MutexUnlock& operator=(const MutexUnlock&) = delete;

 private:
  Mutex& mutex_;
};

/// A std::shared_mutex that the annotations above can name.
class COHORT_CAPABILITY("shared mutex") SharedMutex {
 public:
  void lock() COHORT_ACQUIRE() { mutex_.lock(); }
  void unlock() COHORT_RELEASE() { mutex_.unlock(); }
  void lock_shared() COHORT_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() COHORT_RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

/// Holds a shared mutex for a scope, for writing.
class COHORT_SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) COHORT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() COHORT_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

/// Holds a shared mutex for a scope, for reading; several threads may hold it at the same time.
class COHORT_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) COHORT_ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~ReaderLock() COHORT_RELEASE() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

/// A std::condition_variable. A wait may end early: check the condition again.
class ConditionVariable {
 public:
  void wait(Mutex& mutex) COHORT_REQUIRES(mutex) {
    Held held(mutex);
    changed_.wait(held.lock);
  }
  void wait_until(Mutex& mutex, Clock::time_point deadline) COHORT_REQUIRES(mutex) {
    Held held(mutex);
    changed_.wait_until(held.lock, system_time_of(deadline));
  }
  void notify_one() noexcept { changed_.notify_one(); }
  void notify_all() noexcept { changed_.notify_all(); }

 private:
  struct Held {  // the caller's lock, as std::condition_variable takes it
    explicit Held(Mutex& mutex) : lock(mutex.mutex_, std::adopt_lock) {}
    ~Held() { lock.release(); }
    std::unique_lock<std::mutex> lock;
  };
  std::condition_variable changed_;
};

}  // namespace detail
}  // namespace cohort
