#include "parallel/scheduler.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <cohort/error.hpp>

#include "membership/open_request.hpp"
#include "membership/router.hpp"
#include "parallel/inbox.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"
#include "remote/references.hpp"
#include "remote/registry.hpp"

namespace cohort::detail {
namespace {

// A worker has so much work waiting that it need not idle while its last answer travels and the next job comes; not
// more, for what waits behind a job that turns out long is late. Longer jobs wait here.
constexpr double seconds_of_work_waiting = 3e-3;
constexpr int most_waiting = 4;
constexpr double adaption = 0.2;  // share of the newest time in the mean; a longer one counts at once

constexpr std::uint64_t arrival_of_function = 0;  // instead of the number of a job

struct Message {
  std::uint64_t job = 0;
  Pid worker = no_pid;
  Clock::time_point came;
  std::uint8_t flag = result_value;
  Payload payload;  // the result, or the exception
  std::exception_ptr failure;
};
using JobInbox = Inbox<Message>;

class JobRequest final : public Request {
 public:
  JobRequest(std::shared_ptr<JobInbox> inbox, std::shared_ptr<References> references, std::uint64_t job, Pid worker)
      : inbox_(std::move(inbox)), references_(std::move(references)), job_(job), worker_(worker) {}

  void on_result(Frame&& frame) noexcept override {
    Message message{job_, worker_, Clock::now(), frame.header.flags, {}, nullptr};
    message.payload.body = std::move(frame.body);
    message.payload.segments = std::move(frame.segments);
    if (!frame.references.empty()) message.payload.references = references_->adopt(frame.references);
    inbox_->put(std::move(message));
  }
  void on_lost(const std::string& cause) noexcept override {
    inbox_->put({job_,
                 worker_,
                 Clock::now(),
                 result_exception,
                 {},
                 std::make_exception_ptr(ProcessExitedException(worker_, cause))});
  }

 private:
  const std::shared_ptr<JobInbox> inbox_;
  const std::shared_ptr<References> references_;
  const std::uint64_t job_;
  const Pid worker_;
};

}  // namespace

class Scheduler::Impl {
 public:
  Impl(const WorkerPool& pool, const PortableFunction& function, int ahead)
      : node_(CurrentNode::get()),
        self_(node_.router->self()),
        pool_(pool_state(pool)),
        ahead_(ahead),
        inbox_(std::make_shared<JobInbox>(node_.router->reactor(), node_.router->self())) {
    if (function.is_to_be_sent()) {
      function_ = function;
      functions_ = pool_->functions();
      if (functions_ == nullptr) functions_ = &own_functions_.emplace();
      key_ = functions_->key_of(function_);
    }
    pool_->observe(inbox_);
    refresh();
  }
  ~Impl() {
    inbox_->close();
    for (const WorkerSlot& slot : slots_) call_off(slot);
  }

  FunctionKey function_key() const { return key_; }
  std::size_t open() const { return open_; }
  std::size_t worker_count() const { return usable_; }

  Pid free_worker(const std::vector<Pid>& but) {
    if (inbox_->take_pool_changed()) refresh();
    const std::set excluded(but.begin(), but.end());
    const auto unwanted = std::count_if(excluded.begin(), excluded.end(), [&](Pid pid) {
      const WorkerSlot* slot = find(pid);
      return slot != nullptr && slot->usable();
    });
    const bool others = usable_ > static_cast<std::size_t>(unwanted);
    for (const auto& [rank, slot] : with_room_) {
      if (!others || !excluded.contains(slot->pid)) return slot->pid;
    }
    return no_pid;
  }

  void send(Pid worker, std::uint64_t job, FunctionId thunk, Payload arguments) {
    WorkerSlot& slot = *find(worker);
    open_++;
    slot.open++;
    look_again(slot);
    if (functions_ != nullptr && !slot.has_function) {
      slot.has_function = functions_->is_at(key_, worker);
      if (!slot.has_function) {
        if (!slot.function_under_way && !send_function(slot)) return return_job(slot, job);
        slot.waiting.push_back({job, thunk, std::move(arguments)});
        return;
      }
    }
    send_now(slot, job, thunk, std::move(arguments));
  }

  void steal_waiting_jobs() {
    const auto idle = std::count_if(slots_.begin(), slots_.end(),
                                    [](const WorkerSlot& slot) { return slot.usable() && slot.open == 0; });
    for (auto n = idle; n > 0; n--) {
      WorkerSlot* busiest = nullptr;
      for (WorkerSlot& slot : slots_) {
        if (slot.waiting_there() && (busiest == nullptr || slot.open > busiest->open)) busiest = &slot;
      }
      const auto connection = busiest == nullptr ? nullptr : busiest->connection.lock();
      if (connection == nullptr) return;
      auto& last = busiest->sent.back();
      last.asked_back = true;
      send_cancel(*connection, last.request, cancel_waiting);
    }
  }

  std::optional<Answer> next(const WaitOptions& options, Clock::time_point until) {
    for (;;) {
      if (!answers_.empty()) {
        Answer answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
      }
      for (Message& message : inbox_->take_all()) take(std::move(message));
      if (!answers_.empty()) continue;
      if (inbox_->take_pool_changed()) {
        refresh();
        return std::nullopt;
      }
      if (Clock::now() >= until) return std::nullopt;
      if (open_ == 0 && until == Clock::time_point::max() && worker_count() == 0 && !node_.router->expects_workers())
        fail_without_worker();
      const bool ours_first = until < options.deadline.at();
      try {
        inbox_->wait({.deadline = ours_first ? Deadline(until) : options.deadline, .stop_token = options.stop_token});
      } catch (const TimeoutError&) {
        if (!ours_first) throw;
      }
    }
  }

 private:
  struct Waiting {
    std::uint64_t job;
    FunctionId thunk;
    Payload arguments;
  };
  // Who is to have the next job: the lowest, that is the one with the fewest open jobs, of these the first that came.
  using Rank = std::pair<int, std::uint64_t>;
  // One worker as this scheduler knows it.
  struct WorkerSlot {
    Pid pid = no_pid;
    bool member = true;       // of the pool; else it only has its open jobs answered
    std::string unreachable;  // why, until the pool changes
    int open = 0;             // jobs, those in `waiting` among them
    bool has_function = false;
    bool function_under_way = false;
    std::deque<Waiting> waiting;  // for the function to arrive there
    double seconds_a_job = -1;    // not known
    Clock::time_point last_answer{};
    struct Sent {
      std::uint64_t job;
      std::uint64_t request;  // 0: of this process
      Clock::time_point at;
      bool asked_back = false;
    };
    std::deque<Sent> sent;                 // the jobs under way
    std::weak_ptr<Connection> connection;  // of `sent`
    std::uint64_t number = 0;              // in the order of coming
    bool counted = false;                  // in usable_
    std::optional<Rank> rank;              // in with_room_

    bool usable() const { return member && unreachable.empty(); }
    int capacity(int ahead) const {
      if (seconds_a_job < 0) return 1 + ahead;
      const double jobs = seconds_of_work_waiting / std::max(seconds_a_job, 1e-9);
      return 1 + std::max(ahead, static_cast<int>(std::min<double>(jobs, most_waiting)));
    }
    // Whether its last job likely has not begun, and has not been asked for. The own process's are as well off here.
    bool waiting_there() const { return sent.size() > 1 && sent.back().request != 0 && !sent.back().asked_back; }
    void answered(std::uint64_t job, Clock::time_point at) {
      const auto own = std::find_if(sent.begin(), sent.end(), [job](const Sent& one) { return one.job == job; });
      if (own == sent.end()) return;
      const double seconds = std::chrono::duration<double>(at - std::max(last_answer, own->at)).count();
      sent.erase(own);
      last_answer = at;
      seconds_a_job = seconds > seconds_a_job ? seconds : (1 - adaption) * seconds_a_job + adaption * seconds;
    }
  };

  WorkerSlot* find(Pid pid) {
    const auto found = by_pid_.find(pid);
    return found == by_pid_.end() ? nullptr : &*found->second;
  }

  // After every change of whether it is usable, of its open jobs and of its capacity.
  void look_again(WorkerSlot& slot) {
    usable_ += slot.usable();
    usable_ -= std::exchange(slot.counted, slot.usable());
    if (slot.rank) with_room_.erase(*slot.rank);
    slot.rank.reset();
    if (!slot.usable() || slot.open >= slot.capacity(ahead_)) return;
    slot.rank.emplace(slot.open, slot.number);
    with_room_.emplace(*slot.rank, &slot);
  }

  // It is no member any more, so neither counted nor ranked, and has no open jobs.
  void forget(std::list<WorkerSlot>::iterator slot) {
    by_pid_.erase(slot->pid);
    slots_.erase(slot);
  }

  void refresh() {
    auto pids = pool_->workers();
    // Where all workers are gone, their work is not for this process, unless it was among them from the start.
    if (had_workers_ && !had_self_) std::erase(pids, self_);
    const std::set members(pids.begin(), pids.end());
    for (auto slot = slots_.begin(); slot != slots_.end();) {
      const auto next = std::next(slot);
      if (std::exchange(slot->member, members.contains(slot->pid)) && !slot->member) last_left_ = slot->pid;
      slot->unreachable.clear();
      look_again(*slot);
      if (!slot->member && slot->open == 0) forget(slot);
      slot = next;
    }
    for (const Pid pid : pids) {
      if (find(pid) != nullptr) continue;
      const auto slot = slots_.emplace(slots_.end());
      slot->pid = pid;
      slot->number = ++last_number_;
      by_pid_.emplace(pid, slot);
      look_again(*slot);
    }
    const bool self_alone = pids == std::vector{self_};
    if (!pids.empty() && !self_alone) had_workers_ = true;
    if (had_workers_ && std::find(pids.begin(), pids.end(), self_) != pids.end()) had_self_ = true;
  }

  [[noreturn]] void fail_without_worker() {
    std::string why;
    for (const WorkerSlot& slot : slots_) {
      if (!slot.unreachable.empty()) why += "\n" + slot.unreachable;
    }
    if (const std::string end = end_of_last(); !end.empty()) why += ". The last of them: " + end;
    throw Error("No active worker available in pool" + why, ErrorKind::disconnected);
  }

  // "process 3 exited: walltime: the time of job 7 is over". Empty: it is not known.
  std::string end_of_last() {
    if (last_left_ == no_pid || !node_.router->is_gone(last_left_)) return "";
    try {
      static_cast<void>(node_.router->connection_to(last_left_));  // there is none any more
    } catch (const ProcessExitedException& error) {
      if (!error.cause().empty()) return error.what();
    } catch (const std::exception&) {
    }
    return "";
  }

  void send_now(WorkerSlot& slot, std::uint64_t job, FunctionId thunk, Payload arguments) {
    if (slot.pid == self_) {
      slot.sent.push_back({job, 0, Clock::now()});
      return run_here(job, thunk, std::move(arguments));
    }
    post(slot, job, std::as_bytes(std::span(&thunk, 1)), arguments);
  }

  bool send_function(WorkerSlot& slot) {
    if (slot.pid == self_) {
      node_.router->parallel().functions().store(key_, function_.object, *function_.type);
      inbox_->put({arrival_of_function, self_, Clock::now(), result_value, {}, nullptr});
    } else {
      Payload prefix;
      OutArchive archive(prefix);
      archive(function_.thunk.module, function_.thunk.offset, key_);
      if (!post(slot, arrival_of_function, prefix.body.span(), function_.encoded)) return false;
    }
    functions_->sent(key_, slot.pid);
    return slot.function_under_way = true;
  }

  // Answers by itself for a worker that cannot be reached. @return false: that was so.
  bool post(WorkerSlot& slot, std::uint64_t job, std::span<const std::byte> prefix, const Payload& payload) {
    try {
      auto connection = node_.router->connection_to(slot.pid);
      auto request = std::make_shared<JobRequest>(inbox_, node_.references->shared_from_this(), job, slot.pid);
      if (connection->closed()) throw ProcessExitedException(slot.pid, connection->requests().cause());
      OpenRequest open(*connection, std::move(request));
      const auto now = Clock::now();
      node_.references->send(*connection, FrameKind::call_fetch, 0, open.id(), payload, SendQueue::Mode::before_wait,
                             prefix);
      open.sent();
      if (job != arrival_of_function) {  // its answer is read by this thread, later
        slot.connection = connection;
        slot.sent.push_back({job, open.id(), now});
      }
      return true;
    } catch (const InterruptedException&) {
      throw;
    } catch (const std::exception& error) {
      slot.unreachable = error.what();
      look_again(slot);
      if (job == arrival_of_function) return false;
      return_job(slot, job);
      return false;
    }
  }

  // Nobody waits for these any more.
  void call_off(const WorkerSlot& slot) {
    const auto connection = slot.connection.lock();
    if (connection == nullptr) return;
    for (const auto& sent : slot.sent) send_cancel(*connection, sent.request);
  }

  void run_here(std::uint64_t job, FunctionId thunk, Payload arguments) {
    auto shared = std::make_shared<Payload>(std::move(arguments));
    detail::run_here(
        [inbox = inbox_, pid = self_, job, thunk, shared] {
          if (inbox->is_closed()) return;
          Message message{job, pid, {}, result_value, {}, nullptr};
          try {
            InArchive archive(*shared);
            find_thunk(thunk).invoke(archive, message.payload);
          } catch (...) {
            message.flag = result_exception;
            message.failure = as_remote_exception(std::current_exception(), pid);
          }
          message.came = Clock::now();
          inbox->put(std::move(message));
        },
        nullptr);
  }

  void return_job(WorkerSlot& slot, std::uint64_t job) {
    slot.open--;
    open_--;
    look_again(slot);
    answers_.push_back({job, slot.pid, false, {}, nullptr});
  }

  void take(Message&& message) {
    WorkerSlot* const found = find(message.worker);
    if (found == nullptr) return;
    WorkerSlot& slot = *found;
    if (message.flag == result_exception && message.failure == nullptr)
      message.failure = decode_exception(message.payload, message.worker);
    if (message.job == arrival_of_function) {
      take_arrival(slot, message.failure);
    } else if (message.flag == result_withdrawn) {
      std::erase_if(slot.sent, [&](const auto& sent) { return sent.job == message.job; });
      return_job(slot, message.job);
    } else {
      slot.open--;
      open_--;
      slot.answered(message.job, message.came);
      look_again(slot);
      answers_.push_back({message.job, message.worker, true, std::move(message.payload), message.failure});
    }
    if (!slot.member && slot.open == 0) forget(by_pid_.at(slot.pid));
  }

  void take_arrival(WorkerSlot& slot, const std::exception_ptr& failure) {
    slot.function_under_way = false;
    auto waiting = std::exchange(slot.waiting, {});
    if (failure == nullptr) {
      slot.has_function = true;
      functions_->arrived(key_, slot.pid);
      for (auto& [job, thunk, arguments] : waiting) send_now(slot, job, thunk, std::move(arguments));
      return;
    }
    const bool lost = node_.router->is_gone(slot.pid);
    for (auto& [job, thunk, arguments] : waiting) {
      if (lost) {
        return_job(slot, job);
      } else {
        slot.open--;
        open_--;
        look_again(slot);
        answers_.push_back({job, slot.pid, true, {}, failure});
      }
    }
  }

  const CurrentNode node_;
  const Pid self_;
  const std::shared_ptr<PoolState> pool_;
  const int ahead_;
  const std::shared_ptr<JobInbox> inbox_;
  PortableFunction function_;
  std::optional<FunctionTable> own_functions_;
  FunctionTable* functions_ = nullptr;  // own_functions_ or the pool's; null: no function to send
  FunctionKey key_;
  std::list<WorkerSlot> slots_;
  std::unordered_map<Pid, std::list<WorkerSlot>::iterator> by_pid_;
  std::map<Rank, WorkerSlot*> with_room_;  // that may be sent a job
  std::size_t usable_ = 0;
  std::uint64_t last_number_ = 0;
  std::deque<Answer> answers_;
  std::size_t open_ = 0;
  bool had_workers_ = false, had_self_ = false;
  Pid last_left_ = no_pid;  // the pool; no_pid: none has
};

Scheduler::Scheduler(const WorkerPool& pool, const PortableFunction& function, int ahead)
    : impl_(std::make_unique<Impl>(pool, function, ahead)) {}
Scheduler::~Scheduler() = default;
FunctionKey Scheduler::function_key() const { return impl_->function_key(); }
std::size_t Scheduler::worker_count() const { return impl_->worker_count(); }
std::size_t Scheduler::open() const { return impl_->open(); }
Pid Scheduler::free_worker(const std::vector<Pid>& but) { return impl_->free_worker(but); }
void Scheduler::send(Pid worker, std::uint64_t job, FunctionId thunk, Payload arguments) {
  impl_->send(worker, job, thunk, std::move(arguments));
}
void Scheduler::steal_waiting_jobs() { impl_->steal_waiting_jobs(); }
std::optional<Scheduler::Answer> Scheduler::next(const WaitOptions& options, Clock::time_point until) {
  return impl_->next(options, until);
}

}  // namespace cohort::detail
