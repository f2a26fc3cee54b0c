#include "io/reactor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/forked_child.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "io/reactor_threads.hpp"
#include "io/timers.hpp"

namespace cohort {

namespace {
constexpr int rounds_a_turn = 4;  // of posted operations: then the descriptors have a turn
constexpr std::size_t operations_a_round = 256;

// libuv ends the program where, after that of epoll, no descriptors are left for the pipe of its signals.
bool has_room_for_a_loop(int any) {
  const FileDescriptor epoll(dup(any)), read_end(dup(any)), write_end(dup(any));
  return epoll && read_end && write_end;
}
}  // namespace

PoolTask::~PoolTask() = default;
Flushable::~Flushable() = default;

void report_thrown_on_loop() noexcept {
  try {
    log_error("an internal error on the event loop: " + message_of(std::current_exception()));
  } catch (...) {  // there is no memory to say it
  }
}

Reactor::ThreadState& Reactor::thread_state() {
  static thread_local ThreadState state;
  return state;
}

bool Reactor::on_any_loop() { return thread_state().loop_of != nullptr; }

bool Reactor::on_loop() const { return thread_state().loop_of == this; }
bool Reactor::in_task() const { return thread_state().task_of == this; }

namespace {

struct RunningReactors {
  detail::Mutex mutex;
  std::set<Reactor*> all COHORT_GUARDED_BY(mutex);
};

RunningReactors& running_reactors() {
  static auto* running = new RunningReactors;  // leaked: nodes may end after static destructors
  return *running;
}

}  // namespace

void Reactor::for_each(const std::function<void(Reactor&)>& use) {
  RunningReactors& running = running_reactors();
  detail::MutexLock lock(running.mutex);
  for (Reactor* reactor : running.all) use(*reactor);
}

Reactor::Reactor(Options options)
    : grace_(options.grace),
      spare_thread_life_(options.spare_thread_life),
      max_threads_(std::max(options.max_threads, 2)),
      slots_(std::max(options.slots, 1)) {
  round_.reserve(operations_a_round);
  wake_descriptor_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_descriptor_ < 0) throw Error("cannot start an event loop: " + errno_text(errno), ErrorKind::overloaded);
  if (int error = has_room_for_a_loop(wake_descriptor_) ? uv_loop_init(&loop_) : UV_EMFILE; error != 0) {
    close(wake_descriptor_);
    throw Error("cannot start an event loop: " + errno_text(-error), ErrorKind::overloaded);
  }
  if (int error = uv_poll_init(&loop_, &wake_poll_, wake_descriptor_); error != 0) {
    uv_loop_close(&loop_);
    close(wake_descriptor_);
    throw Error("cannot start an event loop: " + errno_text(-error), ErrorKind::overloaded);
  }
  wake_poll_.data = this;
  uv_poll_start(&wake_poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    std::uint64_t count;
    [[maybe_unused]] ssize_t n = read(static_cast<Reactor*>(handle->data)->wake_descriptor_, &count, sizeof count);
  });
  try {
    timers_ = std::make_unique<Timers>(*this);
  } catch (...) {
    close_loop();
    throw;
  }
  Wakes wakes;
  detail::MutexLock lock(mutex_);
  free_since_ = Clock::now();
  settle(wakes);
  if (threads_.empty()) {  // nobody would ever drive the loop
    close_loop();
    throw Error(
        "no thread can be started: the limit of processes (ulimit -u), of memory (ulimit -v) or of this container is "
        "reached",
        ErrorKind::overloaded);
  }
  lock.unlock();
  RunningReactors& running = running_reactors();
  detail::MutexLock of_all(running.mutex);
  running.all.insert(this);
}

void Reactor::stop() {
  {
    RunningReactors& running = running_reactors();
    detail::MutexLock lock(running.mutex);
    running.all.erase(this);
  }
  std::vector<std::thread*> threads;
  {
    Wakes wakes;
    detail::MutexLock lock(mutex_);
    stop_ = true;
    wake_driver();
    for (auto& thread : threads_) {
      wakes.add(thread->own);
      threads.push_back(&thread->thread);
    }
    for (auto& thread : retired_) threads.push_back(&thread->thread);
  }
  for (std::thread* thread : threads) {  // no spawn() after stop_
    if (thread->joinable()) thread->join();
  }
  thread_state().loop_of = this;
  for (;;) {  // what is destroyed may post(), and what is run may submit()
    std::deque<std::shared_ptr<PoolTask>> tasks;
    std::deque<std::function<void()>> operations;
    {
      detail::MutexLock lock(mutex_);
      for (auto& thread : threads_) {  // woken for a task, but stopped before it ran
        if (thread->task != nullptr) tasks_.push_back(std::move(thread->task));
      }
      tasks.swap(tasks_);
      operations.swap(operations_);
    }
    auto read = std::exchange(turn_tasks_, {});
    if (tasks.empty() && read.empty() && operations.empty()) break;
    for (auto& operation : operations) guard_loop(operation);
    turn_completions_.clear();
  }
  thread_state().loop_of = nullptr;
}

Reactor::~Reactor() {
  stop();
  close_loop();
}

void Reactor::close_loop() {
  thread_state().loop_of = this;
  timers_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_poll_), nullptr);
  for (int i = 0; i < 2; i++) uv_run(&loop_, UV_RUN_NOWAIT);  // the close callbacks
  uv_loop_close(&loop_);
  thread_state().loop_of = nullptr;
  close(wake_descriptor_);
}

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
  driver_ = &waiters_.back();
  waiters_.pop_back();
  wakes.add(*driver_->parker);
  releases_++;
}

void Reactor::finish(Completion& completion, Waiter* self, Wakes& wakes) {
  completion.done_.store(true, std::memory_order_release);
  for (Waiter* waiter = std::exchange(completion.waiters_, nullptr); waiter != nullptr;) {
    Waiter& ready = *std::exchange(waiter, waiter->next);
    if (&ready == self) continue;
    Parker& parker = *ready.parker;
    if (&ready == driver_) {  // in the poll, or about to wake up with the baton in hand
      wake_driver();
    } else {
      ready.unlink();
      ready.set_as_waiter_of_interruptions(nullptr);
      ready.released.store(true, std::memory_order_release);  // it may be gone now
    }
    wakes.add(parker);
  }
}

void Reactor::leave_waiters(Waiter& waiter) {
  waiter.unlink();
  for (Waiter** link = &waiter.completion->waiters_; *link != nullptr; link = &(*link)->next) {
    if (*link == &waiter) {
      *link = waiter.next;
      break;
    }
  }
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

void Reactor::flush_gathered(bool soon) {
  if (gathered_.empty()) return;
  auto outputs = std::exchange(gathered_, {});
  const detail::MutexUnlock unlocked(mutex_);
  for (auto& output : outputs) guard_loop([&] { output->flush(soon); });
  outputs.clear();
}

// --- The driver. ---

// Without the lock. Tasks that were read go to tasks_, ended waits to `wakes`.
template <class Body>
void Reactor::run_on_loop(Waiter& self, Wakes& wakes, Body&& body) {
  {
    const detail::MutexUnlock unlocked(mutex_);
    wakes.fire();
    thread_state().loop_of = this;
    body();
    for (auto& output : std::exchange(turn_flushes_, {})) guard_loop([&] { output->flush(true); });
    thread_state().loop_of = nullptr;
  }
  polling_ = false;
  for (auto& task : turn_tasks_) tasks_.push_back(std::move(task));
  turn_tasks_.clear();
  if (turn_completions_.empty()) return;
  auto completions = std::exchange(turn_completions_, {});
  for (auto& completion : completions) finish(*completion, &self, wakes);
  const detail::MutexUnlock unlocked(mutex_);
  completions.clear();  // may destroy values, and those may post()
}

// One turn of the loop. May return without polling, unless it is one that does not wait.
void Reactor::turn(Waiter& self, Wakes& wakes, Turn how) {
  bool more = false;  // others post faster than this thread runs it
  for (int round = 0; !more && (!operations_.empty() || !gathered_.empty()); round++) {
    more = round == rounds_a_turn;
    if (!operations_.empty()) {
      const auto end =
          operations_.begin() + static_cast<std::ptrdiff_t>(std::min(operations_.size(), operations_a_round));
      round_.assign(std::move_iterator(operations_.begin()), std::move_iterator(end));
      operations_.erase(operations_.begin(), end);
      run_on_loop(self, wakes, [&] {
        for (auto& operation : round_) guard_loop(operation);
        round_.clear();
      });
    }
    flush_gathered(true);
  }
  kick_ = more;
  const bool runnable = !stop_ && !tasks_.empty() && active_ < slots_ && !loop_needs_last_thread(false);
  // A function that waits still needs the loop, for its answer or its interruption; pool threads end.
  const bool ends = stop_ && self.completion == nullptr;
  const bool waits = how == Turn::waiting && !more;
  if (how == Turn::waiting && (ends || runnable || self.over()))
    return;  // the lock was open: look again before sleeping
  polling_ = waits;
  run_on_loop(self, wakes, [&] {
    Timer alarm;  // ends the turn at the deadline of the driver's own wait
    if (waits && self.deadline != Clock::time_point::max()) timers_->wake_at(alarm, self.deadline);
    uv_run(&loop_, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  });
}

// --- Any thread, without the lock. ---

WaitResult Reactor::wait(Completion& completion, Clock::time_point deadline, Interruption* interruption,
                         Interruption* cancellation) {
  if (completion.done()) return WaitResult::done;
  refuse_in_forked_child();
  if (on_loop()) throw Error("a wait inside a callback of the event loop would never end");
  const bool has_slot = in_task();
  const bool timed = deadline != Clock::time_point::max();
  Waiter waiter;
  waiter.parker = &Parker::of_this_thread();
  waiter.completion = &completion;
  waiter.interruption = interruption;
  waiter.cancellation = cancellation;
  waiter.deadline = deadline;
  Wakes wakes;
  detail::MutexLock lock(mutex_);
  if (has_slot) {
    release_slot(wakes);
    settle(wakes);
  }
  flush_gathered(true);
  bool linked = false;
  if (!completion.done()) {
    waiter.next = std::exchange(completion.waiters_, &waiter);
    linked = true;
  }
  waiter.set_as_waiter_of_interruptions(&waiter);
  auto result = WaitResult::done;
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
    if (driver_ == nullptr) {
      driver_ = &waiter;
      waiter.unlink();
    }
    if (driver_ == &waiter) {
      turn(waiter, wakes);
      settle(wakes);
      continue;
    }
    if (!waiter.is_linked()) waiters_.push_back(waiter);
    lock.unlock();
    wakes.fire();
    waiter.parker->park(deadline);
    if (!has_slot && waiter.released.load(std::memory_order_acquire)) return WaitResult::done;
    lock.lock();
  }
  waiter.set_as_waiter_of_interruptions(nullptr);
  if (linked && !completion.done()) leave_waiters(waiter);
  if (driver_ == &waiter) {
    pass_baton_on(wakes);
    settle(wakes);
  }
  if (has_slot) acquire_slot_again(waiter, wakes);
  lock.unlock();
  return result;
}

void Reactor::complete(std::shared_ptr<Completion> completion) {
  if (on_loop()) {
    turn_completions_.push_back(std::move(completion));
    return;
  }
  Wakes wakes;
  detail::MutexLock lock(mutex_);
  finish(*completion, nullptr, wakes);
  lock.unlock();
}

void Reactor::interrupt(Interruption& interruption) {
  Wakes wakes;
  detail::MutexLock lock(mutex_);
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
  detail::MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  settle(wakes);
}

void Reactor::post(std::function<void()> operation, bool soon) {
  if (is_forked_child()) return;
  Wakes wakes;
  detail::MutexLock lock(mutex_);
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
  detail::MutexLock lock(mutex_);
  if (gathered_.empty()) gathered_since_ = Clock::now();
  gathered_.push_back(std::move(output));
  settle(wakes);
}

void Reactor::flush_after_turn(std::shared_ptr<Flushable> output) { turn_flushes_.push_back(std::move(output)); }

void Reactor::set_slots(int slots) {
  Wakes wakes;
  detail::MutexLock lock(mutex_);
  slots_ = std::max(slots, 1);
  settle(wakes);
}

int Reactor::threads() const {
  detail::MutexLock lock(mutex_);
  return static_cast<int>(threads_.size());
}

}  // namespace cohort
