#include "team_mailbox.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

// A rank that waits longer says so. It tells the caller, which then tells it which ranks have ended: in the usual case,
// where nobody waits for a rank that has ended, this saves a message between each two ranks. It also tells the rank for
// which it waits: two that wait for each other in different collective calls may both have sent nothing.
constexpr Duration first_patience = std::chrono::milliseconds(50);
// When it says so again. If a connection between two processes breaks although both live on, messages on their way are
// lost: what was sent so long ago does not come any more.
constexpr Duration later_patience = std::chrono::seconds(30);
constexpr std::size_t remembered_calls = 64;

std::string readable(const std::string& type) {
  if (type == typeid(std::string).name()) return "std::string";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(type.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return text != nullptr ? text.get() : type;
}

std::string rank_text(int rank) {
  return rank == TeamMessage::caller_rank ? "the caller of spmd()" : "rank " + std::to_string(rank);
}

}  // namespace

TeamMailbox::TeamMailbox(const TeamStart& start, int rank)
    : start_(start), rank_(rank), sources_(start.pids.size()), sent_(start.pids.size()) {}

void TeamMailbox::check_rank(int rank, const char* what) const {
  if (rank < 0 || rank >= size()) {
    throw Error(std::string(what) + ": there is no rank " + std::to_string(rank) + " in a team of " +
                std::to_string(size()));
  }
}

// --- Sending. ---

TeamMessage TeamMailbox::message_to(int to, TeamMessage::Kind kind) const {
  TeamMessage message;
  message.team = start_.id;
  message.to = to;
  message.from = rank_;
  message.kind = kind;
  return message;
}

void TeamMailbox::post(TeamMessage&& message) {
  const Pid pid =
      message.to == TeamMessage::caller_rank ? start_.caller : start_.pids[static_cast<std::size_t>(message.to)];
  if (message.kind == TeamMessage::Kind::value || message.kind == TeamMessage::Kind::collective) {
    const MutexLock lock(mutex_);
    if (!failure_.empty()) throw Error(failure_);
    message.sequence = sent_[static_cast<std::size_t>(message.to)]++;
  }
  // A message with a number that is not sent leaves a gap, for which its receiver would wait: then the team has failed.
  try {
    routes_.post(pid, message);
  } catch (const ProcessExitedException& exited) {
    const std::string text =
        rank_text(message.to) + " (process " + std::to_string(pid) + ") has ended: " + exited.cause();
    break_team(text, message.to);
    throw Error(text, ErrorKind::disconnected);
  } catch (const std::exception& error) {
    break_team(rank_text(rank_) + " cannot send to " + rank_text(message.to) + ": " + error.what(), -1);
    throw;
  }
}

void TeamMailbox::send(int to, int tag, const std::string& type, Payload value) {
  check_rank(to, "send");
  TeamMessage message = message_to(to, TeamMessage::Kind::value);
  message.tag = tag;
  message.text = type;
  message.parts.push_back(std::move(value));
  post(std::move(message));
}

void TeamMailbox::send_step(const CollectiveCall& call, int to, const std::string& type, std::vector<Payload> parts) {
  TeamMessage message = message_to(to, TeamMessage::Kind::collective);
  message.call = call;
  message.text = type;
  message.parts = std::move(parts);
  post(std::move(message));
}

void TeamMailbox::open() {
  routes_.post(start_.caller, message_to(TeamMessage::caller_rank, TeamMessage::Kind::opened));
  await({TeamMessage::Kind::go}, {});
}

void TeamMailbox::finish() noexcept {
  try {
    TeamMessage message = message_to(TeamMessage::caller_rank, TeamMessage::Kind::finished);
    {
      const MutexLock lock(mutex_);
      message.counts = sent_;
    }
    routes_.post(start_.caller, message);
  } catch (const std::exception&) {  // the caller is gone, and cancels the others
  }
}

void TeamMailbox::break_team(const std::string& text, int blamed) noexcept {
  try {
    const MutexLock lock(mutex_);
    if (!failure_.empty()) return;
    failure_ = text;
    wake_all();
  } catch (const std::exception&) {  // no memory for the text: the rank fails of it
  }
  tell_broken(text, blamed);
}

void TeamMailbox::tell_broken(const std::string& text, int blamed) noexcept {
  try {
    TeamMessage message = message_to(TeamMessage::caller_rank, TeamMessage::Kind::broken);
    message.text = text;
    message.tag = blamed;
    routes_.post(start_.caller, message);
  } catch (const std::exception&) {  // as in finish()
  }
}

// --- What arrives. ---

void TeamMailbox::deliver(TeamMessage&& message) {
  std::string broken;
  std::optional<TeamMessage> answer;
  {
    const MutexLock lock(mutex_);
    const bool failed_before = !failure_.empty();
    if (message.from < TeamMessage::caller_rank || message.from >= size()) return;
    switch (message.kind) {
      case TeamMessage::Kind::value:
      case TeamMessage::Kind::collective: {
        Source& source = sources_.at(static_cast<std::size_t>(message.from));
        if (message.sequence != source.next) {  // messages may overtake each other, on several threads or ways
          const std::uint64_t sequence = message.sequence;
          note_sent(message.from, sequence);
          source.early.emplace(sequence, std::move(message));
          return;
        }
        accept(std::move(message));
        source.next++;
        for (auto next = source.early.find(source.next); next != source.early.end();
             next = source.early.find(source.next)) {
          accept(std::move(next->second));
          source.early.erase(next);
          source.next++;
        }
        if (source.is_complete()) wake_all();
        break;
      }
      case TeamMessage::Kind::waits:
        if (message.call.number != 0) sources_.at(static_cast<std::size_t>(message.from)).waits_in = message.call;
        check_call(message.call, message.from);
        note_sent(message.from, message.sequence);
        if (const auto sent = sent_[static_cast<std::size_t>(message.from)]; message.counts.at(0) < sent) {
          answer = message_to(message.from, TeamMessage::Kind::sent);
          answer->sequence = sent;
        }
        break;
      case TeamMessage::Kind::sent:
        note_sent(message.from, message.sequence);
        break;
      case TeamMessage::Kind::go:
        gone_ahead_ = true;
        wake_all();
        break;
      case TeamMessage::Kind::failed:
        if (failed_before) return;
        failure_ = message.text;
        wake_all();
        return;
      case TeamMessage::Kind::ended:
        for (std::size_t i = 0; i + 1 < message.counts.size(); i += 2) {
          if (message.counts[i] >= sources_.size()) continue;
          sources_[message.counts[i]].total = message.counts[i + 1];
          note_sent(static_cast<int>(message.counts[i]), message.counts[i + 1]);
        }
        wake_all();
        break;
      default:
        return;  // for callers
    }
    if (!failed_before) broken = failure_;
  }
  if (broken.empty() && !answer) return;
  const auto send = [self = shared_from_this(), broken, answer] {
    if (!broken.empty()) self->tell_broken(broken, -1);
    if (!answer) return;
    try {
      self->post(TeamMessage(*answer));
    } catch (const std::exception&) {  // the team has failed
    }
  };
  run_here(send, nullptr);  // it may wait for a connection
}

// Those who wait for that rank begin to count the time anew.
void TeamMailbox::note_sent(int from, std::uint64_t count) {
  Source& source = sources_.at(static_cast<std::size_t>(from));
  const bool lacked_some = source.lacks_some();
  source.known = std::max(source.known, count);
  if (!lacked_some && source.lacks_some()) wake_all();
}

void TeamMailbox::accept(TeamMessage&& message) {
  if (message.kind == TeamMessage::Kind::value) {
    auto& queue = values_[{message.tag, message.from}];
    queue.push_back({arrived_++, std::move(message)});
    wake(queue.back().message);
  } else {
    check_call(message.call, message.from);
    const std::pair key(message.call.number, message.from);
    wake(steps_.insert_or_assign(key, std::move(message)).first->second);
  }
}

// What has come, or what another rank waits in, must be of the call that this rank makes or has made under that number.
void TeamMailbox::check_call(const CollectiveCall& other, int from) {
  const auto same = std::find_if(calls_.rbegin(), calls_.rend(),
                                 [&](const CollectiveCall& call) { return call.number == other.number; });
  if (same == calls_.rend() || *same == other || !failure_.empty()) return;
  failure_ = rank_text(from) + " calls " + name_of(other) + " (" + count_of(other) + ") while " + rank_text(rank_) +
             " calls " + name_of(*same);
  wake_all();
}

void TeamMailbox::wake(const TeamMessage& message) {
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const Wanted& wanted = waiter->wanted;
    const bool matches = wanted.kind == message.kind && (wanted.from == any_rank || wanted.from == message.from) &&
                         (wanted.kind == TeamMessage::Kind::value ? wanted.tag == message.tag
                                                                  : wanted.call.number == message.call.number);
    if (matches) {
      waiter->wake.try_put(true);
      waiter = waiters_.erase(waiter);
    } else {
      ++waiter;
    }
  }
}

void TeamMailbox::wake_all() {
  for (const Waiter& waiter : waiters_) waiter.wake.try_put(true);
  waiters_.clear();
}

// --- Waiting. ---

std::optional<TeamMessage> TeamMailbox::take(const Wanted& wanted) {
  if (wanted.kind == TeamMessage::Kind::go) return gone_ahead_ ? std::optional(TeamMessage{}) : std::nullopt;
  if (wanted.kind == TeamMessage::Kind::collective) {
    const auto found = steps_.find({wanted.call.number, wanted.from});
    if (found == steps_.end()) return std::nullopt;
    TeamMessage message = std::move(found->second);
    steps_.erase(found);
    return message;
  }
  auto first = values_.end();
  if (wanted.from != any_rank) {
    first = values_.find({wanted.tag, wanted.from});
  } else {
    for (auto queue = values_.lower_bound({wanted.tag, 0}); queue != values_.end() && queue->first.first == wanted.tag;
         ++queue)
      if (first == values_.end() || queue->second.front().order < first->second.front().order) first = queue;
  }
  if (first == values_.end()) return std::nullopt;
  TeamMessage message = std::move(first->second.front().message);
  first->second.pop_front();
  if (first->second.empty()) values_.erase(first);
  return message;
}

void TeamMailbox::check_ended(const Wanted& wanted) {
  const std::string waits = ", and " + rank_text(rank_) + " waits for ";
  if (wanted.kind == TeamMessage::Kind::go) return;
  if (wanted.from == any_rank) {
    for (int i = 0; i < size(); i++)
      if (i != rank_ && !sources_[static_cast<std::size_t>(i)].is_complete()) return;
    throw Error("all other ranks have ended" + waits + "a message with the tag " + std::to_string(wanted.tag));
  }
  if (!sources_[static_cast<std::size_t>(wanted.from)].is_complete()) return;
  const std::string ended = rank_text(wanted.from) + " has ended" + waits + "its message";
  if (wanted.kind == TeamMessage::Kind::collective)
    throw Error(ended + " in " + name_of(wanted.call) + " (" + count_of(wanted.call) + ")");
  throw Error(ended + " with the tag " + std::to_string(wanted.tag));
}

/// The next message of that rank, if it is known to be on its way.
std::optional<std::uint64_t> TeamMailbox::missing_of(const Wanted& wanted) const {
  if (wanted.from < 0) return std::nullopt;
  const Source& source = sources_[static_cast<std::size_t>(wanted.from)];
  return source.lacks_some() ? std::optional(source.next) : std::nullopt;
}

/// Whether a message that was missing before the last wait is still missing.
bool TeamMailbox::is_lost(const Wanted& wanted, const std::optional<std::uint64_t>& missing) {
  const MutexLock lock(mutex_);
  return missing && missing == missing_of(wanted);
}

TeamMessage TeamMailbox::await(const Wanted& wanted, const WaitOptions& options) {
  Duration patience = first_patience;
  while (true) {
    const Channel<bool> wake(1);
    std::optional<std::uint64_t> missing;
    {
      const MutexLock lock(mutex_);
      if (!failure_.empty()) throw Error(failure_);
      if (auto message = take(wanted)) return std::move(*message);
      check_ended(wanted);
      missing = missing_of(wanted);
      waiters_.push_back({wanted, wake});
    }
    WaitOptions limits = options;
    if (wanted.kind != TeamMessage::Kind::go)
      limits.deadline = std::min(options.deadline.at(), deadline_after(patience));
    try {
      wake.take(limits);
    } catch (const TimeoutError&) {
      forget(wake);
      if (options.deadline.at() <= Clock::now()) throw;
      if (patience == later_patience && is_lost(wanted, missing)) {
        break_team("messages from " + rank_text(wanted.from) + " to " + rank_text(rank_) +
                       " are lost: the connection between their processes has broken",
                   -1);
      }
      tell_that_it_waits(wanted, patience == later_patience);
      patience = later_patience;
    } catch (...) {
      forget(wake);
      throw;
    }
  }
}

void TeamMailbox::tell_that_it_waits(const Wanted& wanted, bool again) {
  bool first = false;
  std::optional<TeamMessage> waits;
  {
    const MutexLock lock(mutex_);
    if (!failure_.empty()) return;
    first = !std::exchange(hears_of_ends_, true);
    if (wanted.from >= 0) {
      waits = message_to(wanted.from, TeamMessage::Kind::waits);
      waits->call = wanted.call;
      waits->sequence = sent_[static_cast<std::size_t>(wanted.from)];
      waits->counts.push_back(sources_[static_cast<std::size_t>(wanted.from)].next);
    }
  }
  if (first || again) post(message_to(TeamMessage::caller_rank, TeamMessage::Kind::waits));
  if (waits) post(std::move(*waits));
}

void TeamMailbox::forget(const Channel<bool>& wake) {
  const MutexLock lock(mutex_);
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.wake == wake; });
}

void TeamMailbox::check_type(const TeamMessage& message, const std::string& type) {
  if (message.text == type) return;
  throw Error(rank_text(message.from) + " has sent a value of type " + readable(message.text) + ", and " +
              rank_text(rank_) + " expects " + readable(type));
}

TeamMessage TeamMailbox::receive(int from, int tag, const std::string& type, const WaitOptions& options) {
  check_rank(from, "receive");
  TeamMessage message = await({TeamMessage::Kind::value, from, tag}, options);
  check_type(message, type);
  return message;
}

TeamMessage TeamMailbox::receive_any(int tag, const std::string& type, const WaitOptions& options) {
  TeamMessage message = await({TeamMessage::Kind::value, any_rank, tag}, options);
  check_type(message, type);
  return message;
}

std::vector<Payload> TeamMailbox::await_step(const CollectiveCall& call, int from, const std::string& type,
                                             const WaitOptions& options) {
  TeamMessage message = await({TeamMessage::Kind::collective, from, 0, call}, options);
  check_type(message, type);
  return std::move(message.parts);
}

// --- Collective calls. ---

void TeamMailbox::begin_collective(CollectiveCall& call) {
  if (has_root(call.which)) check_rank(call.root, name_of(call.which).c_str());
  std::string broken;
  {
    const MutexLock lock(mutex_);
    if (!failure_.empty()) throw Error(failure_);
    if (in_collective_) {
      throw Error(rank_text(rank_) + " calls " + name_of(call) + " while another thread of it is in " +
                  name_of(calls_.back()));
    }
    call.number = calls_.empty() ? 1 : calls_.back().number + 1;
    calls_.push_back(call);
    if (calls_.size() > remembered_calls) calls_.pop_front();
    // What came before this rank was here.
    for (auto step = steps_.lower_bound({call.number, 0}); step != steps_.end() && step->first.first == call.number;
         ++step)
      check_call(step->second.call, step->first.second);
    for (int i = 0; i < size(); i++)
      if (const auto& other = sources_[static_cast<std::size_t>(i)].waits_in; other.number == call.number)
        check_call(other, i);
    broken = std::exchange(failure_, std::string());
    in_collective_ = broken.empty();
  }
  if (!broken.empty()) {
    break_team(broken, -1);
    throw Error(broken);
  }
}

void TeamMailbox::end_collective() {
  const MutexLock lock(mutex_);
  in_collective_ = false;
}

// Called in the handler of the exception.
void TeamMailbox::abandon_collective(const CollectiveCall& call) noexcept {
  try {
    end_collective();
    break_team(rank_text(rank_) + " has left " + name_of(call) + " (" + count_of(call) +
                   "): " + message_of(std::current_exception()),
               -1);
  } catch (const std::exception&) {  // no memory for the text: the rank fails of it
  }
}

}  // namespace cohort::detail
