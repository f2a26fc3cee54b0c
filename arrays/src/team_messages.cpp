#include "team_messages.hpp"

#include <utility>

#include <cohort/detail/payload.hpp>
#include <cohort/error.hpp>
#include <cohort/everywhere.hpp>

#include "relayed_call.hpp"

namespace cohort::detail {
namespace {

// --- A message. ---

template <class Archive, class Message>
void visit_head(Archive& archive, Message& message) {
  archive(message.team.high, message.team.low, message.to, message.from, message.kind, message.sequence,
          message.call.number, message.call.which, message.call.root, message.call.small, message.tag, message.counts);
}

Payload encode_message(const TeamMessage& message) {
  Payload payload;
  OutArchive archive(payload);
  visit_head(archive, message);
  archive.write_size(message.text.size());  // never as a segment: the text may end before the message is sent
  archive.write(message.text.data(), message.text.size());
  archive.write_size(message.parts.size());
  for (const Payload& part : message.parts) save_payload(archive, part);
  return payload;
}

TeamMessage decode_message(InArchive& archive) {
  TeamMessage message;
  visit_head(archive, message);
  message.text.resize(archive.read_size(1));
  archive.read(message.text.data(), message.text.size());
  message.parts.resize(archive.read_size(3 * sizeof(std::uint64_t)));
  for (Payload& part : message.parts) part = load_payload(archive);
  archive.finish();
  return message;
}

// --- The functions that other processes call. ---

// What comes for a rank that has ended is dropped.
void deliver_here(TeamMessage&& message) {
  if (const auto receiver = TeamTable::instance().find(message.team, message.to)) receiver->deliver(std::move(message));
}

struct Delivery : Registered<Delivery> {
  static void invoke(InArchive& archive, Payload&) { deliver_here(decode_message(archive)); }
  static bool try_on_loop(InArchive& archive, Payload& result) {
    invoke(archive, result);
    return true;
  }
};

struct PassOn : Registered<PassOn> {
  static void invoke(InArchive& archive, Payload&) {
    RelayedCall relayed = decode_relayed(archive);
    try {
      call_do(relayed.pid, relayed.function, relayed.arguments);
    } catch (const ProcessExitedException&) {  // the caller of spmd() hears of it by itself
    }
  }
};

}  // namespace

// --- The table. ---

TeamTable& TeamTable::instance() {
  static TeamTable& table = *new TeamTable;  // never destroyed: messages come until the very end
  return table;
}

void TeamTable::add(const TeamId& team, std::int32_t rank, const std::shared_ptr<TeamReceiver>& receiver) {
  const MutexLock lock(mutex_);
  receivers_[{team, rank}] = receiver;
}

void TeamTable::remove(const TeamId& team, std::int32_t rank) {
  std::shared_ptr<TeamReceiver> removed;  // its messages are destroyed after the lock is released
  const MutexLock lock(mutex_);
  const auto found = receivers_.find({team, rank});
  if (found == receivers_.end()) return;
  removed = std::move(found->second);
  receivers_.erase(found);
}

std::shared_ptr<TeamReceiver> TeamTable::find(const TeamId& team, std::int32_t rank) {
  const MutexLock lock(mutex_);
  const auto found = receivers_.find({team, rank});
  return found == receivers_.end() ? nullptr : found->second;
}

std::size_t TeamTable::size() {
  const MutexLock lock(mutex_);
  return receivers_.size();
}

std::size_t open_teams() { return TeamTable::instance().size(); }

// --- Sending. ---

bool TeamRoutes::passes_master(Pid pid) {
  const MutexLock lock(mutex_);
  return through_master_.contains(pid);
}

void TeamRoutes::note_unreachable(Pid pid) {
  const MutexLock lock(mutex_);
  through_master_.insert(pid);
}

void TeamRoutes::post(Pid pid, const TeamMessage& message) {
  const Pid self = myid();
  if (pid == self) {
    TeamMessage copy = message;
    for (Payload& part : copy.parts) part.own();
    return deliver_here(std::move(copy));
  }
  Payload payload = encode_message(message);
  if (!passes_master(pid)) {
    try {
      return call_do(pid, Delivery::id(), payload);
    } catch (const ProcessExitedException&) {
      throw;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::disconnected || self == master_pid || pid == master_pid) throw;
    }
    note_unreachable(pid);
  }
  Payload relayed = encode_relayed(pid, Delivery::id(), payload);
  call_do(master_pid, PassOn::id(), relayed);
}

FuturePtr TeamRoutes::start(Pid pid, FunctionId function, const Payload& arguments) {
  auto direct = start_on_each({pid}, function, arguments).front();
  if (!future_ready(*direct)) return direct;
  try {
    future_wait(*direct, {});
    return direct;
  } catch (const ProcessExitedException&) {
    return direct;
  } catch (const RemoteException&) {
    return direct;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::disconnected || myid() == master_pid || pid == master_pid) return direct;
  }
  note_unreachable(pid);
  return start_through_master(pid, function, arguments);
}

// --- Names for errors. ---

std::string name_of(Collective which) {
  static constexpr const char* names[] = {"barrier", "broadcast",  "scatter",        "gather", "all_gather",
                                          "reduce",  "all_reduce", "reduce_scatter", "scan"};
  const auto place = static_cast<std::size_t>(which);
  return place < std::size(names) ? names[place] : "a collective that it does not know";
}

std::string name_of(const CollectiveCall& call) {
  return name_of(call.which) + (has_root(call.which) ? " with root " + std::to_string(call.root) : "") +
         (call.small && call.which != Collective::barrier ? " of small values" : "");
}

std::string count_of(const CollectiveCall& call) {
  const auto number = call.number;
  const bool teen = number % 100 >= 11 && number % 100 <= 13;
  const char* const end = teen               ? "th"
                          : number % 10 == 1 ? "st"
                          : number % 10 == 2 ? "nd"
                          : number % 10 == 3 ? "rd"
                                             : "th";
  return "its " + std::to_string(number) + end + " collective call";
}

}  // namespace cohort::detail
