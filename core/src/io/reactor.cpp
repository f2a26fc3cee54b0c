#include "io/reactor.hpp"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <cohort/error.hpp>

namespace cohort {

PoolTask::~PoolTask() = default;
Flushable::~Flushable() = default;

// Whoever can hold the baton or wait for it: a thread in wait() (on its stack) or a pool thread.
struct Waiter {
  Parker* parker = nullptr;
  Completion* completion = nullptr;
  Interruption* interruption = nullptr;
  Interruption* cancellation = nullptr;
  Waiter* next = nullptr;  // in the list of its completion
  bool granted = false;    // got its slot back

  static bool called_off(const Interruption* by) {
    return by != nullptr && by->requested.load(std::memory_order_relaxed);
  }
  bool over() const {
    return (completion != nullptr && completion->done()) || called_off(interruption) || called_off(cancellation);
  }
};

struct Reactor::PoolThread : Waiter {
  Parker own;
  std::shared_ptr<PoolTask> task;
  std::thread thread;
  bool short_slice = false;

  // EEVDF (Linux 6.12 on) lets a thread with a shorter slice run first when it wakes; with the default one the driver
  // may wait 3 ms behind a user function on its CPU. Ignored where the kernel does not know it.
  void want_short_slice(bool want) {
    if (short_slice == want) return;
    short_slice = want;
    struct {
      std::uint32_t size, policy;
      std::uint64_t flags;
      std::int32_t nice;
      std::uint32_t priority;
      std::uint64_t runtime, deadline, period;
    } attributes{48, 0, 0, getpriority(PRIO_PROCESS, 0), 0, want ? 100'000ul : 0ul, 0, 0};
    syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
};

struct Reactor::ThreadState {
  Reactor* loop_of = nullptr;
  Reactor* task_of = nullptr;
};

namespace {
constexpr int quiet_ticks = 8;  // undisturbed ticks after which the watcher sleeps
constexpr Duration gather_replies = std::chrono::microseconds(20);
constexpr Duration spare_thread_life = std::chrono::seconds(10);
}  // namespace

Reactor::ThreadState& Reactor::thread_state() {
  static thread_local ThreadState state;
  return state;
}

bool Reactor::on_loop() const { return thread_state().loop_of == this; }
bool Reactor::in_task() const { return thread_state().task_of == this; }

Reactor::Reactor(Options options)
    : grace_(options.grace), max_threads_(std::max(options.max_threads, 2)), slots_(std::max(options.slots, 1)) {
  wake_descriptor_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  if (int error = uv_loop_init(&loop_); error != 0) {
    close(wake_descriptor_);
    throw Error(std::string("cannot start an event loop: ") + uv_strerror(error));
  }
  uv_poll_init(&loop_, &wake_poll_, wake_descriptor_);
  wake_poll_.data = this;
  uv_poll_start(&wake_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    std::uint64_t count;
    [[maybe_unused]] ssize_t n = read(static_cast<Reactor*>(handle->data)->wake_descriptor_, &count, sizeof count);
  });
  Wakes wakes;
  Lock lock(mutex_);
  free_since_ = Clock::now();
  settle(wakes);
}

Reactor::~Reactor() {
  {
    Wakes wakes;
    Lock lock(mutex_);
    stop_ = true;
    wake_driver();
    for (auto& thread : threads_) wakes.add(thread->own);
  }
  for (std::size_t i = 0; i < threads_.size(); i++) threads_[i]->thread.join();  // no spawn() after stop_
  for (auto& thread : retired_) thread->thread.join();
  thread_state().loop_of = this;
  for (auto& operation : std::exchange(operations_, {})) operation();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_poll_), nullptr);
  for (int i = 0; i < 2; i++) uv_run(&loop_, UV_RUN_NOWAIT);  // the close callbacks
  uv_loop_close(&loop_);
  thread_state().loop_of = nullptr;
  close(wake_descriptor_);
}

// --- All of these with mutex_ held. ---

void Reactor::wake_driver() {
  if (!polling_) return;
  polling_ = false;
  const std::uint64_t one = 1;
  if (write(wake_descriptor_, &one, sizeof one) != sizeof one) std::abort();  // cannot fail: the counter is drained
}

void Reactor::free_baton() {
  driver_ = nullptr;
  free_since_ = Clock::now();
  releases_++;
}

// A driver that may not come back hands over to the youngest waiter, who will need the baton longest.
void Reactor::pass_baton_on(Wakes& wakes) {
  if (waiters_.empty()) return free_baton();
  driver_ = waiters_.back();
  waiters_.pop_back();
  wakes.add(*driver_->parker);
  releases_++;
}

void Reactor::finish(Completion& completion, Waiter* self, Wakes& wakes) {
  completion.done_.store(true, std::memory_order_release);
  for (Waiter* waiter = std::exchange(completion.waiters_, nullptr); waiter != nullptr; waiter = waiter->next) {
    if (waiter == self) continue;
    if (waiter == driver_)
      wake_driver();  // in the poll, or about to wake up with the baton in hand
    else
      std::erase(waiters_, waiter);
    wakes.add(*waiter->parker);
  }
}

void Reactor::leave_waiters(Waiter& waiter) {
  std::erase(waiters_, &waiter);
  for (Waiter** link = &waiter.completion->waiters_; *link != nullptr; link = &(*link)->next) {
    if (*link == &waiter) {
      *link = waiter.next;
      break;
    }
  }
}

void Reactor::release_slot(Wakes& wakes) {
  if (resuming_.empty() || active_ > slots_) {
    active_--;
    return;
  }
  resuming_.front()->granted = true;
  wakes.add(*resuming_.front()->parker);
  resuming_.pop_front();
}

void Reactor::acquire_slot_again(Lock& lock, Waiter& waiter, Wakes& wakes) {
  if (active_ < slots_) {
    active_++;
    return;
  }
  resuming_.push_back(&waiter);
  while (!waiter.granted) {
    lock.unlock();
    wakes.fire();
    waiter.parker->park();
    lock.lock();
  }
}

Reactor::PoolThread* Reactor::spawn() {
  for (auto& thread : std::exchange(retired_, {})) thread->thread.join();  // they no longer need the lock
  if (static_cast<int>(threads_.size()) >= max_threads_) return nullptr;
  auto owned = std::make_unique<PoolThread>();
  PoolThread* thread = owned.get();
  thread->parker = &thread->own;
  try {
    thread->thread = std::thread([this, thread] { pool_main(*thread); });
  } catch (const std::system_error&) {
    return nullptr;  // no more threads on this machine: the same as max_threads
  }
  threads_.push_back(std::move(owned));
  return thread;
}

Reactor::PoolThread* Reactor::resting_thread() {
  if (!idle_.empty()) {
    PoolThread* thread = idle_.back();
    idle_.pop_back();
    return thread;
  }
  return watcher_ != nullptr ? std::exchange(watcher_, nullptr) : spawn();
}

void Reactor::assign_tasks(Wakes& wakes) {
  while (active_ < slots_ && resuming_.empty() && !tasks_.empty()) {
    PoolThread* thread = resting_thread();
    if (thread == nullptr) {
      if (active_ == 0) refuse_tasks_without_thread();
      return;
    }
    active_++;
    thread->task = std::move(tasks_.front());
    tasks_.pop_front();
    wakes.add(*thread->parker);
  }
}

// Every pool thread is blocked in a wait, so nothing would ever run these: say so instead of a silent deadlock.
void Reactor::refuse_tasks_without_thread() {
  auto refused = std::make_shared<std::deque<std::shared_ptr<PoolTask>>>(std::move(tasks_));
  tasks_.clear();
  operations_.push_back([refused] {
    for (auto& task : *refused) task->refuse();
  });
  wake_driver();
}

// Restores the invariants after every change: a runnable task has a thread; a free baton, or gathered output, has an
// armed watcher.
void Reactor::settle(Wakes& wakes) {
  if (stop_) return;
  assign_tasks(wakes);
  if (driver_ != nullptr && gathered_.empty()) return;
  if (watcher_ == nullptr) {
    if (!idle_.empty()) {
      watcher_ = idle_.back();
      idle_.pop_back();
      wakes.add(*watcher_->parker);
    } else {
      watcher_ = spawn();
    }
    watcher_armed_ = true;
  } else if (!watcher_armed_) {
    watcher_armed_ = true;
    wakes.add(*watcher_->parker);
  }
}

void Reactor::flush_gathered(Lock& lock, bool soon) {
  if (gathered_.empty()) return;
  auto outputs = std::exchange(gathered_, {});
  lock.unlock();
  for (auto& output : outputs) output->flush(soon);
  outputs.clear();
  lock.lock();
}

// --- The driver. ---

// One turn of the loop. May return without polling. Tasks that were read go to tasks_, ended waits to `wakes`.
void Reactor::turn(Lock& lock, Waiter& self, Wakes& wakes) {
  auto on_loop = [&](auto&& body) {
    lock.unlock();
    wakes.fire();
    thread_state().loop_of = this;
    body();
    for (auto& output : std::exchange(turn_flushes_, {})) output->flush(true);
    thread_state().loop_of = nullptr;
    lock.lock();
    polling_ = false;
    for (auto& task : turn_tasks_) tasks_.push_back(std::move(task));
    turn_tasks_.clear();
    if (!turn_completions_.empty()) {
      auto completions = std::exchange(turn_completions_, {});
      for (auto& completion : completions) finish(*completion, &self, wakes);
      lock.unlock();
      completions.clear();  // may destroy values, and those may post()
      lock.lock();
    }
  };
  while (!operations_.empty() || !gathered_.empty()) {
    if (!operations_.empty()) {
      auto operations = std::exchange(operations_, {});
      on_loop([&] {
        for (auto& operation : operations) operation();
        operations.clear();
      });
    }
    flush_gathered(lock, true);
  }
  kick_ = false;
  const bool runnable = !tasks_.empty() && active_ < slots_;
  if (stop_ || runnable || self.over()) return;  // the lock was open: look again before sleeping
  polling_ = true;
  on_loop([&] { uv_run(&loop_, UV_RUN_ONCE); });
}

void Reactor::pool_main(PoolThread& self) {
  prctl(PR_SET_TIMERSLACK, 1000);
  Wakes wakes;
  Lock lock(mutex_);
  bool hot = false;  // just ran something: take a free baton at once
  while (!stop_) {
    if (self.task != nullptr) {
      self.want_short_slice(false);
      run_tasks(lock, self, wakes);
      hot = true;
      continue;
    }
    if (driver_ == nullptr && hot) driver_ = &self;
    if (driver_ != &self) {
      hot = false;
      if (!rest(lock, self, wakes)) return;
      continue;
    }
    turn(lock, self, wakes);
    if (!tasks_.empty() && active_ < slots_ && resuming_.empty()) {  // run it here, leaving the baton free
      active_++;
      self.task = std::move(tasks_.front());
      tasks_.pop_front();
      free_baton();
      settle(wakes);
    } else if (!wakes.empty()) {  // somebody's wait ended here, and that thread likely waits again soon
      pass_baton_on(wakes);
      hot = false;
      settle(wakes);
    }
  }
  if (driver_ == &self) free_baton();
}

// Runs self.task, whose slot is taken, and what is queued behind it.
void Reactor::run_tasks(Lock& lock, PoolThread& self, Wakes& wakes) {
  Clock::time_point gathering_since{};
  for (;;) {
    auto task = std::move(self.task);
    task->more_follow = !tasks_.empty() && resuming_.empty();
    lock.unlock();
    wakes.fire();
    if (task->more_follow) {
      const auto now = Clock::now();
      if (gathering_since == Clock::time_point{}) {
        gathering_since = now;
      } else if (now - gathering_since > gather_replies) {
        task->more_follow = false;
        gathering_since = {};
      }
    }
    thread_state().task_of = this;
    task->run();
    thread_state().task_of = nullptr;
    task.reset();
    lock.lock();
    if (stop_ || tasks_.empty() || !resuming_.empty() || active_ > slots_) break;
    self.task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  flush_gathered(lock, true);
  release_slot(wakes);
  settle(wakes);
}

// Parked: as the watcher if there is none, else as a spare. Returns with a task, with the baton, or on stop; false when
// retired, for want of work.
bool Reactor::rest(Lock& lock, PoolThread& self, Wakes& wakes) {
  self.want_short_slice(true);
  if (watcher_ == nullptr) {
    watcher_ = &self;
    watcher_armed_ = true;
  } else if (watcher_ != &self) {  // else settle() made this thread, or chose it, to be the watcher
    idle_.push_back(&self);
  }
  int quiet = 0;
  std::uint64_t seen = releases_;
  const auto spare_until = Clock::now() + spare_thread_life;
  while (!stop_ && self.task == nullptr) {
    auto until = Clock::time_point::max();
    if (watcher_ == &self && watcher_armed_) {
      const auto now = Clock::now();
      until = now + grace_;
      if (driver_ == nullptr) {
        if (kick_ || now - free_since_ >= grace_) {
          kick_ = false;
          watcher_ = nullptr;
          driver_ = &self;
          return true;
        }
        until = free_since_ + grace_;
        quiet = 0;
        seen = releases_;
      } else if (releases_ != seen) {
        quiet = 0;
        seen = releases_;
      } else if (++quiet > quiet_ticks && gathered_.empty()) {
        watcher_armed_ = false;
        quiet = 0;
        until = Clock::time_point::max();
      }
      if (!gathered_.empty()) {
        if (now - gathered_since_ >= grace_) {
          flush_gathered(lock, false);
          continue;
        }
        until = std::min(until, gathered_since_ + grace_);
      }
    } else if (watcher_ != &self && static_cast<int>(idle_.size()) > slots_) {
      if (Clock::now() >= spare_until) {
        std::erase(idle_, &self);
        auto place =
            std::find_if(threads_.begin(), threads_.end(), [&](auto& thread) { return thread.get() == &self; });
        retired_.push_back(std::move(*place));
        threads_.erase(place);
        return false;
      }
      until = spare_until;
    }
    lock.unlock();
    wakes.fire();
    self.own.park(until);
    lock.lock();
  }
  if (watcher_ == &self)
    watcher_ = nullptr;
  else
    std::erase(idle_, &self);
  return true;
}

// --- Any thread, without the lock. ---

WaitResult Reactor::wait(Completion& completion, Clock::time_point deadline, Interruption* interruption,
                         Interruption* cancellation) {
  if (completion.done()) return WaitResult::done;
  if (on_loop()) throw Error("a wait inside a callback of the event loop would never end");
  const bool has_slot = in_task();
  const bool timed = deadline != Clock::time_point::max();
  Waiter waiter;
  waiter.parker = &Parker::of_this_thread();
  waiter.completion = &completion;
  waiter.interruption = interruption;
  waiter.cancellation = cancellation;
  Wakes wakes;
  Lock lock(mutex_);
  if (has_slot) {
    release_slot(wakes);
    settle(wakes);
  }
  flush_gathered(lock, true);
  bool linked = false;
  if (!completion.done()) {
    waiter.next = std::exchange(completion.waiters_, &waiter);
    linked = true;
  }
  for (Interruption* way : {interruption, cancellation}) {
    if (way != nullptr) way->waiter = &waiter;
  }
  auto result = WaitResult::done;
  bool listed = false;
  while (!completion.done()) {
    if (Waiter::called_off(interruption)) {
      result = WaitResult::interrupted;
      break;
    }
    if (Waiter::called_off(cancellation)) {
      result = WaitResult::cancelled;
      break;
    }
    if (timed && Clock::now() >= deadline) {
      result = WaitResult::timeout;
      break;
    }
    if (driver_ == nullptr && !timed) {  // a timed waiter does not drive: its deadline needs no timer that way
      driver_ = &waiter;
      if (listed) std::erase(waiters_, &waiter);
    }
    if (driver_ == &waiter) {
      listed = false;
      turn(lock, waiter, wakes);
      settle(wakes);
      continue;
    }
    if (driver_ == nullptr) {
      kick_ = true;
      settle(wakes);
      if (watcher_ != nullptr) wakes.add(*watcher_->parker);
    } else if (!timed && !listed) {
      waiters_.push_back(&waiter);
      listed = true;
    }
    lock.unlock();
    wakes.fire();
    waiter.parker->park(deadline);
    lock.lock();
  }
  for (Interruption* way : {interruption, cancellation}) {
    if (way != nullptr) way->waiter = nullptr;
  }
  if (linked && !completion.done()) leave_waiters(waiter);
  if (driver_ == &waiter) {
    pass_baton_on(wakes);
    settle(wakes);
  }
  if (has_slot) acquire_slot_again(lock, waiter, wakes);
  lock.unlock();
  return result;
}

void Reactor::complete(std::shared_ptr<Completion> completion) {
  if (on_loop()) {
    turn_completions_.push_back(std::move(completion));
    return;
  }
  Wakes wakes;
  Lock lock(mutex_);
  finish(*completion, nullptr, wakes);
  lock.unlock();
}

void Reactor::interrupt(Interruption& interruption) {
  Wakes wakes;
  Lock lock(mutex_);
  interruption.requested.store(true, std::memory_order_relaxed);
  if (interruption.waiter == nullptr) return;
  if (interruption.waiter == driver_) wake_driver();
  wakes.add(*interruption.waiter->parker);
}

void Reactor::submit(std::shared_ptr<PoolTask> task) {
  if (on_loop()) {
    turn_tasks_.push_back(std::move(task));
    return;
  }
  Wakes wakes;
  Lock lock(mutex_);
  tasks_.push_back(std::move(task));
  settle(wakes);
}

void Reactor::post(std::function<void()> operation, bool soon) {
  Wakes wakes;
  Lock lock(mutex_);
  operations_.push_back(std::move(operation));
  wake_driver();
  if (driver_ == nullptr && !soon) {
    settle(wakes);
    kick_ = true;
    if (watcher_ != nullptr) wakes.add(*watcher_->parker);
  }
}

void Reactor::flush_later(std::shared_ptr<Flushable> output) {
  Wakes wakes;
  Lock lock(mutex_);
  if (gathered_.empty()) gathered_since_ = Clock::now();
  gathered_.push_back(std::move(output));
  settle(wakes);
}

void Reactor::flush_after_turn(std::shared_ptr<Flushable> output) { turn_flushes_.push_back(std::move(output)); }

void Reactor::set_slots(int slots) {
  Wakes wakes;
  Lock lock(mutex_);
  slots_ = std::max(slots, 1);
  settle(wakes);
}

int Reactor::threads() const {
  Lock lock(mutex_);
  return static_cast<int>(threads_.size());
}

}  // namespace cohort
