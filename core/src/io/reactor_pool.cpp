// The reactor's pool: threads, slots, and what a pool thread does.

#include <sys/prctl.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/forked_child.hpp"
#include "io/reactor_threads.hpp"

namespace cohort {

namespace {
constexpr int quiet_ticks = 8;  // undisturbed ticks after which the watcher sleeps
constexpr Duration gather_replies = std::chrono::microseconds(50);
}  // namespace

void Reactor::release_slot(Wakes& wakes) {
  if (resuming_.empty() || active_ > slots_) {
    active_--;
    return;
  }
  resume_first(wakes);
}

void Reactor::resume_first(Wakes& wakes) {
  resuming_.front()->granted = true;
  wakes.add(*resuming_.front()->parker);
  resuming_.pop_front();
}

void Reactor::acquire_slot_again(Waiter& waiter, Wakes& wakes) {
  if (active_ < slots_) {
    active_++;
    return;
  }
  resuming_.push_back(&waiter);
  while (!waiter.granted) {
    const detail::MutexUnlock unlocked(mutex_);
    wakes.fire();
    waiter.parker->park();
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

// With every thread running or blocked, nobody would drive the loop.
bool Reactor::loop_needs_last_thread(bool driver_leaves) const {
  const bool pool_drives = driver_ != nullptr && driver_->completion == nullptr && !driver_leaves;
  const auto not_made = max_threads_ - static_cast<int>(threads_.size());
  const auto unused = not_made + static_cast<int>(idle_.size()) + (watcher_ != nullptr) + pool_drives;
  return unused <= (driver_leaves ? 0 : 1);
}

Reactor::PoolThread* Reactor::resting_thread() {
  if (loop_needs_last_thread(false)) return nullptr;
  if (!idle_.empty()) {
    PoolThread* thread = idle_.back();
    idle_.pop_back();
    return thread;
  }
  return watcher_ != nullptr ? std::exchange(watcher_, nullptr) : spawn();
}

void Reactor::assign_tasks(Wakes& wakes) {
  while (active_ < slots_ && !resuming_.empty()) {  // there are more slots than before
    active_++;
    resume_first(wakes);
  }
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

// --- A pool thread. ---

void Reactor::pool_main(PoolThread& self) {
  prctl(PR_SET_TIMERSLACK, 1000);
  Wakes wakes;
  detail::MutexLock lock(mutex_);
  bool hot = false;  // just ran something: take a free baton at once
  while (!stop_) {
    if (self.task != nullptr) {
      self.want_short_slice(false);
      run_tasks(self, wakes);
      hot = true;
      continue;
    }
    if (driver_ == nullptr && hot) driver_ = &self;
    if (driver_ != &self) {
      hot = false;
      if (!rest(self, wakes)) return;
      continue;
    }
    turn(self, wakes);
    const bool runnable = !tasks_.empty() && active_ < slots_ && resuming_.empty();
    if (runnable && !loop_needs_last_thread(true)) {  // run it here, leaving the baton free
      active_++;
      self.task = std::move(tasks_.front());
      tasks_.pop_front();
      free_baton();
      settle(wakes);
    } else if (!wakes.empty()) {  // somebody's wait ended here, and that thread likely waits again soon
      pass_baton_on(wakes);
      hot = false;
      settle(wakes);
    } else if (runnable) {
      settle(wakes);
    }
  }
  if (driver_ == &self) free_baton();
  if (self.task != nullptr) release_slot(wakes);  // stop() ends the task; a task whose wait has ended may want the slot
}

// Runs self.task, whose slot is taken, and what is queued behind it. While nobody drives the loop, this thread has a
// look at it now and then: for many short functions the watcher need not come, and one thread does everything.
void Reactor::run_tasks(PoolThread& self, Wakes& wakes) {
  Clock::time_point gather_until{}, looked{};
  for (;;) {
    auto task = std::move(self.task);
    if (!tasks_.empty() && resuming_.empty()) {
      const auto now = Clock::now();
      if (now >= gather_until) {
        flush_gathered(true);
        gather_until = now + gather_replies;
      }
      task->gather = true;
      if (looked == Clock::time_point{}) looked = now;
      if (driver_ == nullptr && now - looked > grace_ / 2) {
        looked = now;
        driver_ = &self;
        turn(self, wakes, Turn::without_waiting);
        pass_baton_on(wakes);
        settle(wakes);
      }
    }
    {
      const detail::MutexUnlock unlocked(mutex_);
      wakes.fire();
      thread_state().task_of = this;
      task->run();
      end_if_forked_child();
      thread_state().task_of = nullptr;
      task.reset();
    }
    if (stop_ || tasks_.empty() || !resuming_.empty() || active_ > slots_) break;
    self.task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  flush_gathered(true);
  release_slot(wakes);
  settle(wakes);
}

// Parked: as the watcher if there is none, else as a spare. Returns with a task, with the baton, or on stop; false when
// retired, for want of work.
bool Reactor::rest(PoolThread& self, Wakes& wakes) {
  self.want_short_slice(true);
  if (watcher_ == nullptr) {
    watcher_ = &self;
    watcher_armed_ = true;
  } else if (watcher_ != &self) {  // else settle() made this thread, or chose it, to be the watcher
    idle_.push_back(&self);
  }
  int quiet = 0;
  std::uint64_t seen = releases_;
  const auto spare_until = Clock::now() + spare_thread_life_;
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
          flush_gathered(false);
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
    const detail::MutexUnlock unlocked(mutex_);
    wakes.fire();
    self.own.park(until);
  }
  if (watcher_ == &self)
    watcher_ = nullptr;
  else
    std::erase(idle_, &self);
  return true;
}

}  // namespace cohort
