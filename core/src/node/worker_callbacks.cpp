#include "node/worker_callbacks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "io/blocking_pool.hpp"
#include "node/node_impl.hpp"

namespace cohort {
namespace {
thread_local bool is_callback_thread = false;
}

struct CallbackTable::Entry {
  Entry(NodeImpl& node, std::string name, WorkerCallbacks functions)
      : key(std::move(name)), callbacks(std::move(functions)), thread(1, [&node] {
          CurrentNode::of_thread() = node.current();
          is_callback_thread = true;
        }) {}

  const std::string key;
  const WorkerCallbacks callbacks;
  std::atomic<int> open{0};       // functions that are queued or run
  std::atomic<bool> late{false};  // one of them has used up its limit: nobody waits for the others
  BlockingPool thread;            // last: it uses the others
};

void CallbackTable::refuse_on_this_thread(const char* what) {
  if (is_callback_thread)
    throw Error(std::string("a function of add_worker_callbacks() cannot ") + what + " workers: that waits for it");
}

void CallbackTable::add(const std::string& key, WorkerCallbacks callbacks) {
  refuse_shorter(callbacks.limit, Duration(1), "WorkerCallbacks::limit");
  auto entry = std::make_shared<Entry>(node_, key, std::move(callbacks));
  const detail::MutexLock lock(mutex_);
  if (!entries_.try_emplace(key, std::move(entry)).second)
    throw ConfigError("add_worker_callbacks: the key '" + excerpt(key) + "' is in use");
}

// Its thread is joined by another one, as it may be the one that calls this.
void CallbackTable::remove(const std::string& key) {
  std::shared_ptr<Entry> removed;
  {
    const detail::MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    removed = std::move(found->second);
    entries_.erase(found);
    std::erase_if(removed_, [](const auto& each) { return each.expired(); });
    removed_.push_back(removed);
  }
  node_.release_off_loop(std::move(removed));
}

std::vector<std::shared_ptr<CallbackTable::Entry>> CallbackTable::entries() const {
  std::vector<std::shared_ptr<Entry>> all;
  const detail::MutexLock lock(mutex_);
  for (const auto& [key, entry] : entries_) all.push_back(entry);
  return all;
}

bool CallbackTable::empty() const {
  const detail::MutexLock lock(mutex_);
  return entries_.empty();
}

Duration CallbackTable::longest() const {
  Duration longest{};
  for (const auto& entry : entries()) longest = std::max(longest, entry->callbacks.limit);
  return longest;
}

bool CallbackTable::wait_until_idle(Clock::time_point deadline) {
  const auto all = entries();
  return std::all_of(all.begin(), all.end(),
                     [&](const auto& entry) { return entry->thread.wait_until_idle(deadline); });
}

std::string CallbackTable::running() const {
  std::vector<std::string> names;
  auto all = entries();
  {
    const detail::MutexLock lock(mutex_);
    for (const auto& each : removed_) {
      if (auto entry = each.lock()) all.push_back(std::move(entry));
    }
  }
  for (const auto& entry : all) {
    if (entry->open.load() > 0) names.push_back("callback '" + excerpt(entry->key) + "'");
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

struct CallbackTable::Call final : Completion {
  std::exception_ptr failure;  // written before the completion is set
};

// What all keys have for one event: they run side by side.
CallbackTable::Calls CallbackTable::begin(const std::string& event, const Pick& pick) {
  Calls calls;
  for (auto& entry : entries()) {
    auto function = pick(entry->callbacks);
    if (!function) continue;
    auto call = std::make_shared<Call>();
    entry->open++;
    entry->thread.run([entry = entry.get(), call, event, function = std::move(function), &reactor = node_.reactor()] {
      try {
        function();
      } catch (...) {
        if (entry->late.load())  // nobody waits for it
          log_warning(fmt::format("the callback '{}' for {}: {}", excerpt(entry->key), event,
                                  message_of(std::current_exception())));
        else
          call->failure = std::current_exception();
      }
      if (--entry->open == 0) entry->late.store(false);
      reactor.complete(call);
    });
    calls.emplace_back(std::move(entry), std::move(call));
  }
  return calls;
}

// @return what they threw, which is logged.
std::vector<std::exception_ptr> CallbackTable::finish(const std::string& event, const Calls& calls) {
  std::vector<std::exception_ptr> failures;
  const auto begin = Clock::now();
  for (const auto& [entry, call] : calls) {
    const Duration limit = entry->callbacks.limit;
    const auto until = limit == never ? Clock::time_point::max() : begin + limit;
    if (entry->late.load()) continue;
    if (node_.reactor().wait(*call, until) != WaitResult::done) {
      entry->late.store(true);
      log_warning(fmt::format("the callback '{}' for {} has not returned within {}: nobody waits for it any longer",
                              excerpt(entry->key), event, in_seconds(limit)));
    } else if (call->failure != nullptr) {
      log_warning(fmt::format("the callback '{}' for {}: {}", excerpt(entry->key), event, message_of(call->failure)));
      failures.push_back(std::exchange(call->failure, nullptr));  // the caller alone holds and destroys it
    }
  }
  return failures;
}

namespace {

std::string text_of(const char* event, Pid worker) { return fmt::format("'{}' of worker {}", event, worker); }

std::function<void()> bound_to(const std::function<void(Pid)>& function, Pid worker) {
  if (!function) return {};
  return [function, worker] { function(worker); };
}

}  // namespace

// By value: a function that is late must not use what its caller destroys.
void CallbackTable::starting(const std::string& manager, const LaunchParams& params) {
  const std::string event = "'starting' of manager '" + excerpt(manager) + "'";
  const auto failures =
      finish(event, begin(event, [&](const auto& each) {
               if (!each.starting) return std::function<void()>();
               return std::function<void()>([function = each.starting, manager, params] { function(manager, params); });
             }));
  if (!failures.empty()) std::rethrow_exception(failures.front());
}

void CallbackTable::started(Pid worker) noexcept {
  guard_loop([&] {
    const std::string event = text_of("started", worker);
    detail::MutexLock lock(order_);
    const auto calls = begin(event, [&](const auto& each) { return bound_to(each.started, worker); });
    Calls ended;
    if (const auto early = exited_early_.extract(worker); !early.empty())
      ended = begin_exited(worker, early.mapped());
    else
      started_.insert(worker);
    lock.unlock();
    finish(event, calls);
    finish(text_of("exited", worker), ended);
  });
}

void CallbackTable::exiting(Pid worker) noexcept {
  guard_loop([&] {
    const std::string event = text_of("exiting", worker);
    detail::MutexLock lock(order_);
    if (!started_.contains(worker)) return;
    const auto calls = begin(event, [&](const auto& each) { return bound_to(each.exiting, worker); });
    lock.unlock();
    finish(event, calls);
  });
}

void CallbackTable::exited(Pid worker, const std::string& cause) noexcept {
  guard_loop([&] {
    detail::MutexLock lock(order_);
    if (started_.erase(worker) == 0) {
      exited_early_[worker] = cause;
      return;
    }
    const auto calls = begin_exited(worker, cause);
    lock.unlock();
    finish(text_of("exited", worker), calls);
  });
}

CallbackTable::Calls CallbackTable::begin_exited(Pid worker, const std::string& cause) {
  return begin(text_of("exited", worker), [&](const auto& each) {
    if (!each.exited) return std::function<void()>();
    return std::function<void()>([function = each.exited, worker, cause] { function(worker, cause); });
  });
}

}  // namespace cohort
