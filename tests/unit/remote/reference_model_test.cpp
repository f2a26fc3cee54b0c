// The counting of references, in every order of its steps: Holding at those who have handles, CountedEntries at the
// owner. The steps between are those of References and FutureState: a step ends where these open a lock or send
// something. Messages between two processes stay in order; otherwise each may take as long as it likes.
//
// Process 1 calls a function on process 2, the owner of its result, and ships the future to process 3 while it may
// still be open, from two threads. Process 3 fetches it, drops it, or sends it back.

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "explore.hpp"
#include "remote/counted_entries.hpp"
#include "remote/holding.hpp"

namespace cohort::test {
namespace {

constexpr Pid caller = 1, owner = 2, other = 3;
constexpr RefId result_ref{caller, 7};

enum class Object : std::uint8_t { none, of_call, late };  // late: made by a count that found no entry

struct Message {
  enum Kind : std::uint8_t { call, result, stored, count, entered, name, fetch, answer } kind;
  Pid client = no_pid;
  int change = 0;
  int task = -1;  // that waits for the word
};

// All handles of one process on the future: FutureState.
struct State {
  Holding holding;
  int users = 0;  // handles, and the open request; 0: it is destroyed
  enum { pending, here, elsewhere } status = pending;
  bool answer_comes = false, kept = false, asked = false;
};

enum class Step : std::uint8_t {
  call,          // sends the call
  call_counted,  // the owner will count it
  keep,          // FutureState::keep_at_owner, up to the lock's end
  send_enter,    // References::make_there
  entered_counted,
  await_word,
  kept,
  send_due,
  ship,  // FutureState::ship
  send_acquire,
  send_name,
  sent,  // the message with the handle is gone
  fetch,
  await_value,
  payload_gone,  // of the message that a handle came with
  drop
};
const char* const step_names[] = {
    "call", "call_counted", "keep",      "send_enter", "entered_counted", "await_word",  "kept",         "send_due",
    "ship", "send_acquire", "send_name", "sent",       "fetch",           "await_value", "payload_gone", "drop"};

// What threads do, one after the other.
constexpr Step to_call[] = {Step::call, Step::call_counted};
constexpr Step to_ship[] = {Step::keep,     Step::send_enter, Step::entered_counted, Step::await_word, Step::kept,
                            Step::send_due, Step::ship,       Step::send_acquire,    Step::send_name,  Step::sent,
                            Step::send_due, Step::drop,       Step::send_due};
constexpr Step to_drop[] = {Step::payload_gone, Step::send_due, Step::drop, Step::send_due};
constexpr Step to_fetch[] = {Step::fetch,    Step::await_value, Step::payload_gone,
                             Step::send_due, Step::drop,        Step::send_due};
// The encoded value goes on as it came, whatever the process learns meanwhile.
constexpr Step to_send_back[] = {Step::fetch,    Step::send_acquire, Step::send_name, Step::payload_gone,
                                 Step::send_due, Step::drop,         Step::send_due};

// A thread of process 1 or 3.
struct Task {
  Pid at = no_pid;
  std::span<const Step> steps;
  std::size_t next = 0;
  int due = 0;  // to be given back
  bool word = false;
  Pid to = no_pid;  // whom it ships to
  bool over() const { return next == steps.size(); }
};

// What the loop of a process does about a message: one driver at a time, in small steps, too.
struct Loop {
  int steps_left = 0;
  bool counted_off = false;
  bool only_stored = false;
  int due = 0;
};

/// What is left out, to see that it is found missing.
enum class Without { nothing, guard_of_enter, guard_of_shipment, guard_of_payload, order_of_result };
enum class Receiver { drops, fetches, sends_back };

class World {
 public:
  World(Without without, Receiver receiver, int shippers, bool large)
      : without_(without), receiver_(receiver), large_(large) {
    states_[caller].users = shippers;
    states_[caller].answer_comes = true;
    tasks_.push_back({caller, to_call, 0, 0, false, no_pid});
    for (int i = 0; i < shippers; i++) tasks_.push_back({caller, to_ship, 0, 0, false, other});
  }

  std::size_t choices() const { return moves().count; }
  std::string name(std::size_t number) const { return text(moves().all[number]); }
  void take(std::size_t number) {
    const Move move = moves().all[number];
    if (move.task >= 0) return run(move.task);
    if (move.from != no_pid) return deliver(move.from, move.to);
    if (move.to == owner) return run_function();
    run_loop(move.to);
  }
  std::string fault() const { return fault_; }
  std::string fault_at_end() const {
    for (std::size_t i = 0; i < tasks_.size(); i++) {
      if (!tasks_[i].over())
        return "thread " + std::to_string(i) + " of process " + std::to_string(tasks_[i].at) + " waits for ever";
    }
    if (entries_.size() > 0) return "an entry is left at the owner";
    for (const Pid pid : {caller, other}) {
      if (states_[pid].users != 0) return "a handle is left";
      if (states_[pid].holding.counted() != 0) return "a count is left";
    }
    return "";
  }

  std::string key() const {
    Key key;
    for (const Pid pid : {caller, other}) {
      const State& state = states_[pid];
      key.add(state.holding.counted(), state.holding.sending(), state.holding.wanted(), state.users, state.status,
              state.answer_comes, state.kept, state.asked);
      const Loop& loop = loops_[pid];
      key.add(loop.steps_left, loop.counted_off, loop.only_stored, loop.due);
    }
    for (const Task& task : tasks_) key.add(task.at, task.steps.size(), task.next, task.due, task.word, task.to);
    for (const auto& from : wires_) {
      for (const auto& wire : from) {
        key.add(wire.size());
        for (const auto& message : wire) key.add(message.kind, message.client, message.change, message.task);
      }
    }
    key.add(function_, settled_, asks_.size(), !fault_.empty(), entries_.size());
    for (const Pid pid : asks_) key.add(pid);
    for (const auto& [ref, entry] : entries_) {
      key.add(entry.object, entry.counts.size());
      for (const auto& [client, count] : entry.counts) key.add(client, count);
    }
    return key.take();
  }

 private:
  // A step of a thread, the delivery of a message, or a step of a loop or of the called function.
  struct Move {
    int task = -1;
    Pid from = no_pid, to = no_pid;
  };

  void skip_to(Task& task, Step step) {
    while (task.steps[task.next] != step) task.next++;
  }

  struct Moves {
    std::array<Move, 32> all;
    std::size_t count = 0;
    void push_back(Move move) { all.at(count++) = move; }
  };
  Moves moves() const {
    Moves moves;
    for (std::size_t i = 0; i < tasks_.size(); i++) {
      const Task& task = tasks_[i];
      if (task.over() || (i > 0 && task.at == caller && !tasks_.front().over())) continue;
      if (task.steps[task.next] == Step::await_word && !task.word) continue;
      if (task.steps[task.next] == Step::await_value && states_[task.at].status != State::here) continue;
      moves.push_back({static_cast<int>(i), no_pid, no_pid});
    }
    for (const Pid to : {caller, owner, other}) {
      if (to == owner && function_ > 0) moves.push_back({-1, no_pid, owner});
      if (to != owner && (loops_[to].steps_left > 0 || loops_[to].due > 0)) {
        moves.push_back({-1, no_pid, to});
        continue;
      }
      for (const Pid from : {caller, owner, other}) {
        if (!wires_[from][to].empty()) moves.push_back({-1, from, to});
      }
    }
    return moves;
  }
  std::string text(const Move& move) const {
    if (move.task >= 0) {
      const Task& task = tasks_[static_cast<std::size_t>(move.task)];
      return "process " + std::to_string(task.at) + ", thread " + std::to_string(move.task) + ": " +
             step_names[static_cast<int>(task.steps[task.next])];
    }
    if (move.from == no_pid)
      return "process " + std::to_string(move.to) + ": " + (move.to == owner ? "function" : "loop");
    static const char* const names[] = {"call", "result", "stored", "count", "entered",
                                        "name", "value",  "fetch",  "answer"};
    const Message& message = wires_[move.from][move.to].front();
    return std::to_string(move.from) + " -> " + std::to_string(move.to) + ": " + names[message.kind] +
           (message.kind == Message::count
                ? " " + std::to_string(message.change) + " for " + std::to_string(message.client)
                : "");
  }

  void send(Pid from, Pid to, Message message) { wires_[from][to].push_back(message); }
  void send_count(Pid from, Pid client, int change, int task = -1) {
    send(from, owner, {Message::count, client, change, task});
  }
  bool guarded(Without guard) const { return without_ != guard; }

  void run(int number) {
    Task& task = tasks_[static_cast<std::size_t>(number)];
    State& state = states_[task.at];
    const Step step = task.steps[task.next];
    switch (step) {
      case Step::call:
        send(caller, owner, {Message::call, caller});
        state.users++;  // the open request
        break;
      case Step::call_counted:
        state.holding.add(1);
        break;
      case Step::keep:
        if (state.status != State::pending || !state.answer_comes || state.kept) return skip_to(task, Step::ship);
        if (guarded(Without::guard_of_enter)) state.holding.begin_sending();
        break;
      case Step::send_enter:
        if (guarded(Without::guard_of_enter))
          send_count(task.at, task.at, 1, number);
        else
          state.holding.add(1);  // it was the other way round then
        break;
      case Step::entered_counted:
        if (guarded(Without::guard_of_enter))
          state.holding.add(1);
        else
          send_count(task.at, task.at, 1, number);
        break;
      case Step::await_word:
      case Step::await_value:  // one step with what follows
        task.next++;
        return run(number);
      case Step::kept:
        state.kept = true;
        if (guarded(Without::guard_of_enter)) task.due = state.holding.end_sending();
        break;
      case Step::ship:
        if (state.status == State::here) {
          return skip_to(task, Step::drop);  // it travels by value
        }
        if (guarded(Without::guard_of_shipment)) state.holding.begin_sending();
        break;
      case Step::send_acquire:
        send_count(task.at, task.to, 1);
        break;
      case Step::send_name:
        send(task.at, task.to, {Message::name});
        break;
      case Step::sent:
        if (guarded(Without::guard_of_shipment)) task.due = state.holding.end_sending();
        break;
      case Step::send_due:
        if (task.due > 0) send_count(task.at, task.at, -task.due);
        task.due = 0;
        break;
      case Step::fetch:
        if (state.status != State::here && !state.asked) {
          state.asked = true;
          state.users++;  // the open request
          send(task.at, owner, {Message::fetch, task.at});
        }
        break;
      case Step::payload_gone:
        if (guarded(Without::guard_of_payload)) task.due = state.holding.end_sending();
        break;
      case Step::drop:
        task.due = let_user_go(task.at);
        break;
    }
    do {
      task.next++;
    } while (!task.over() && task.steps[task.next] == Step::send_due && task.due == 0);
  }

  // A handle goes; the last one destroys the state. @return what is to be given back.
  int let_user_go(Pid at) {
    State& state = states_[at];
    if (--state.users > 0) return 0;
    const int due = state.holding.let_go();
    if (state.holding.end_sending() != 0) fault_ = "a message is under way for a destroyed handle";
    state = State{};
    return due;
  }

  void run_function() {
    // Sets its value, sends it to the caller, and counts the caller off, for that needs no entry now.
    const bool leaves_first = without_ == Without::order_of_result;
    const int step = function_++;
    if (step == 1) {
      settled_ = true;
      for (const Pid asker : asks_) send(owner, asker, {Message::answer});
      asks_.clear();
    } else if ((step == 2) != leaves_first) {
      send(owner, caller, {large_ ? Message::stored : Message::result});
    } else if (!large_) {
      std::vector<Object> dropped;
      entries_.leave(result_ref, caller, dropped);
      dropped_while_asked(dropped);
    }
    if (function_ == 4) function_ = -1;
  }

  // The future's request is answered: FutureState::receive.
  void run_loop(Pid at) {
    Loop& loop = loops_[at];
    State& state = states_[at];
    switch (loop.steps_left) {
      case 4:
        if (loop.counted_off && !loop.only_stored) state.holding.add(-1);
        break;
      case 3:
        state.status = loop.only_stored ? State::elsewhere : State::here;
        break;
      case 2:
        if (!loop.only_stored) loop.due = state.holding.let_go();
        break;
      case 1:
        if (loop.due > 0) send_count(at, at, -loop.due);
        loop.due = let_user_go(at);
        break;
      default:
        send_count(at, at, -loop.due);
        loop.due = 0;
        return;
    }
    loop.steps_left--;
  }

  void deliver(Pid from, Pid to) {
    const Message message = wires_[from][to].front();
    wires_[from][to].erase(wires_[from][to].begin());
    switch (message.kind) {
      case Message::call:
        entries_.enter(result_ref, caller, [] { return Object::of_call; });
        function_ = 1;
        break;
      case Message::result:
      case Message::stored:
      case Message::answer:
        loops_[to] = {4, message.kind != Message::answer, message.kind == Message::stored, 0};
        break;
      case Message::entered:
        tasks_[static_cast<std::size_t>(message.task)].word = true;
        break;
      case Message::count: {
        std::vector<Object> dropped;
        entries_.count(result_ref, message.client, message.change, dropped, [] { return Object::late; });
        dropped_while_asked(dropped);
        if (message.task >= 0) send(owner, from, {Message::entered, no_pid, 0, message.task});
        break;
      }
      case Message::fetch: {
        const Object* object = entries_.find(result_ref);
        if (object == nullptr || *object != Object::of_call) {
          fault_ = "a handle names nothing";
        } else if (settled_) {
          send(owner, from, {Message::answer});
        } else {
          asks_.push_back(from);
        }
        break;
      }
      case Message::name:
        adopt(from, to);
        break;
    }
  }
  void dropped_while_asked(const std::vector<Object>& dropped) {
    if (!dropped.empty() && dropped.front() == Object::of_call && !asks_.empty())
      fault_ = "dropped while it is asked for";
  }

  // References::adopt, then the thread that has the message's value.
  void adopt(Pid from, Pid to) {
    State& state = states_[to];
    state.users++;
    state.holding.add(1);
    if (guarded(Without::guard_of_payload)) state.holding.begin_sending();
    std::span<const Step> program = to_drop;
    if (to == other && receiver_ == Receiver::fetches) program = to_fetch;
    if (to == other && receiver_ == Receiver::sends_back) program = to_send_back;
    tasks_.push_back({to, program, 0, 0, false, from});
  }

  Without without_;
  Receiver receiver_;
  bool large_;
  std::array<State, 4> states_;
  std::vector<Task> tasks_;
  std::array<Loop, 4> loops_;
  int function_ = 0;
  bool settled_ = false;
  std::vector<Pid> asks_;
  std::string fault_;
  std::array<std::array<std::vector<Message>, 4>, 4> wires_;
  CountedEntries<Object> entries_;
};

struct Case {
  Receiver receiver;
  int shippers;
  bool large;
  Explored explored(Without without) const { return explore(World(without, receiver, shippers, large)); }
};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // one thread, all states: minutes with these
TEST(ReferenceModelTest, NothingIsLeftAndNothingIsMissingInAnyOrder) {
  for (const Case& one :
       {Case{Receiver::drops, 1, false}, Case{Receiver::drops, 2, false}, Case{Receiver::drops, 2, true},
        Case{Receiver::fetches, 1, false}, Case{Receiver::fetches, 2, false}, Case{Receiver::fetches, 1, true},
        Case{Receiver::sends_back, 1, false}, Case{Receiver::sends_back, 1, true}}) {
    const Explored found = one.explored(Without::nothing);
    EXPECT_EQ(found.fault, "") << text_of(found);
    EXPECT_GT(found.states, 500u);
  }
}
#endif

// Each rule is needed; else the test above shows nothing.

TEST(ReferenceModelTest, ACountThatIsGivenBackBeforeItIsAskedForIsFound) {
  for (const int shippers : {1, 2}) {
    const Explored found = Case{Receiver::drops, shippers, false}.explored(Without::guard_of_enter);
    EXPECT_EQ(found.fault, "an entry is left at the owner") << text_of(found);
  }
}

TEST(ReferenceModelTest, AHandleWhoseCountIsGivenBackBeforeItIsSentIsFound) {
  EXPECT_NE((Case{Receiver::fetches, 1, false}.explored(Without::guard_of_shipment).fault), "");
}

TEST(ReferenceModelTest, AHandleInAValueThatIsSentOnIsFound) {
  EXPECT_NE((Case{Receiver::sends_back, 1, false}.explored(Without::guard_of_payload).fault), "");
}

TEST(ReferenceModelTest, AnEntryThatGoesBeforeItsResultIsSentIsFound) {
  EXPECT_EQ((Case{Receiver::fetches, 1, false}.explored(Without::order_of_result).fault), "a handle names nothing");
}

}  // namespace
}  // namespace cohort::test
