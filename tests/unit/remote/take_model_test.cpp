// Takes of a store, or of an AbstractChannel, in every order of their steps: functions of an owner that wait for a
// Channel on behalf of other processes, while these give up or die and items arrive. The queue, the waiting operations
// and the interruption of calls are the real ones; threads, processes and the network are here.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explore.hpp"
#include "io/reactor.hpp"
#include "membership/router.hpp"
#include "remote/call_context.hpp"
#include "remote/channel_queue.hpp"
#include "remote/channel_wait.hpp"

namespace cohort::test {
namespace {

using detail::ChannelItem;
using detail::ChannelQueue;
using detail::ChannelWait;

// That of the owner. Nobody drives its loop: what is completed is seen by looking.
class LonelyRouter final : public Router {
 public:
  Pid self() const override { return 2; }
  Reactor& reactor() override { return reactor_; }
  std::shared_ptr<Connection> connection_to(Pid) override { return nullptr; }
  std::shared_ptr<Connection> existing_connection(Pid) override { return nullptr; }
  bool may_connect(Pid) override { return false; }
  bool is_gone(Pid) override { return false; }
  std::vector<Pid> processes() override { return {2}; }
  BlockingPool& blocking() override { throw Error("not here"); }
  LocalCalls& local_calls() override { throw Error("not here"); }
  ParallelState& parallel() override { throw Error("not here"); }

 private:
  Reactor reactor_{Reactor::Options{}};
};

LonelyRouter& router() {
  static LonelyRouter only;
  return only;
}

enum class Ending { gives_up, dies };
/// What is left out, to see that it is found missing.
enum class Without { nothing, refusal, check_before_take, last_word };

// Client 0 may give up its take, and then puts an item itself; or it dies. Client 1 takes until it has an item. Client
// 2 puts one.
class World {
 public:
  World(Ending ending, Without without) : ending_(ending), without_(without) {
    for (auto& call : calls_) call = std::make_shared<Call>();
  }

  std::size_t choices() const { return moves().size(); }
  std::string name(std::size_t number) const {
    const Move move = moves()[number];
    static const char* const clients[] = {"calls take", "has its answer", "gives up", "dies", "puts"};
    static const char* const owners[] = {"runs a step", "learns that it is called off"};
    static const char* const words[] = {"take", "cancel", "put", "end"};
    const std::string who = std::to_string(move.client);
    if (move.what == Move::by_client) return "client " + who + " " + clients[move.step];
    if (move.what == Move::delivery)
      return std::string("the owner reads of client ") + who + ": " + words[wires_[at(move)].front()];
    return "the function for client " + who + " " + owners[move.step];
  }

  void take(std::size_t number) {
    const Move move = moves()[number];
    if (move.what == Move::by_client) return client(move);
    if (move.what == Move::delivery) return deliver(move);
    run(*calls_[at(move)], move.step == 1);
  }

  std::string key() const {
    Key key;
    for (const auto& wire : wires_) {
      key.add(wire.size());
      for (const auto word : wire) key.add(word);
    }
    for (std::size_t i = 0; i < 3; i++) {
      const Call& call = *calls_[i];
      const bool done = call.operation != nullptr && finished(call);
      key.add(call.arrived, call.at, call.context.interrupted(), call.context_heard, call.answered, call.item, done,
              done ? number_of(call.operation->item) : 0, clients_[i].step, clients_[i].got, clients_[i].given_up,
              clients_[i].put);
    }
    for (const int client : started_) key.add(client);
    key.add(queue_->status().size, puts_, taken_late_);
    return key.take();
  }

  std::string fault() const { return taken_late_ ? "an item went to a call that was called off before" : ""; }
  std::string fault_at_end() const {
    int got = static_cast<int>(queue_->status().size);
    for (const auto& client : clients_) got += client.got;
    if (calls_[0]->item && ending_ == Ending::dies) got += clients_[0].got == 0;  // answered before its end was known
    if (got < puts_) return "an item is lost";
    if (got > puts_) return "an item came twice";
    if (clients_[1].got == 0 && queue_->status().size > 0) return "a taker waits although there is an item";
    return "";
  }

 private:
  struct Move {
    enum What { by_client, delivery, by_function } what;
    int step = 0;
    int client = 0;
  };
  static std::size_t at(const Move& move) { return static_cast<std::size_t>(move.client); }
  enum Word : std::uint8_t { word_take, word_cancel, word_put, word_end };
  struct Context final : CallContext {
    Context() : CallContext(1) {}
  };
  // A take at the owner: the function runs `at` 0 before it looks, 1 where it waits, 2 with what became of it, 3
  // answered.
  struct Call {
    Context context;
    std::shared_ptr<ChannelWait> operation;
    bool arrived = false, context_heard = false, answered = false;
    int at = 0;
    int item = 0;
  };
  struct Client {
    int step = 0;  // 1: it waits, 2: it has what it wanted, or not
    int got = 0;
    bool given_up = false, put = false;
  };
  static bool finished(const Call& call) { return static_cast<const Completion&>(*call.operation).done(); }
  static int number_of(const ChannelItem& item) {
    return item.object == nullptr ? 0 : *static_cast<int*>(item.object.get());
  }

  std::vector<Move> moves() const {
    std::vector<Move> moves;
    for (int i = 0; i < 3; i++) {
      const auto n = static_cast<std::size_t>(i);
      const Client& client = clients_[n];
      const Call& call = *calls_[n];
      if (i < 2 && client.step == 0) moves.push_back({Move::by_client, 0, i});
      if (i < 2 && client.step == 1 && call.answered) moves.push_back({Move::by_client, 1, i});
      if (i == 0 && client.step == 1 && !client.given_up && ending_ == Ending::gives_up)
        moves.push_back({Move::by_client, 2, i});
      if (i == 0 && client.step == 1 && ending_ == Ending::dies) moves.push_back({Move::by_client, 3, i});
      if ((i == 2 || (i == 0 && client.given_up && client.step == 2 && client.got == 0)) && !client.put)
        moves.push_back({Move::by_client, 4, i});
      if (!wires_[n].empty()) moves.push_back({Move::delivery, 0, i});
      if (!call.arrived || call.at == 3) continue;
      if (call.at != 1 || finished(call)) moves.push_back({Move::by_function, 0, i});
      if (call.at == 1 && call.context.interrupted()) moves.push_back({Move::by_function, 1, i});
    }
    return moves;
  }

  void client(const Move& move) {
    Client& client = clients_[at(move)];
    auto& wire = wires_[at(move)];
    switch (move.step) {
      case 0:
        client.step = 1;
        return wire.push_back(word_take);
      case 1:
        client.step = 2;
        client.got = calls_[at(move)]->item != 0;
        return;
      case 2:
        client.given_up = true;
        if (without_ == Without::last_word) client.step = 2;  // and the answer is dropped
        return wire.push_back(word_cancel);
      case 3:
        client.step = 3;
        return wire.push_back(word_end);
      default:
        client.put = true;
        return wire.push_back(word_put);
    }
  }

  void deliver(const Move& move) {
    auto& wire = wires_[at(move)];
    const Word word = wire.front();
    wire.pop_front();
    Call& call = *calls_[at(move)];
    std::vector<std::shared_ptr<Call>> before;
    for (const auto& one : calls_) {
      if (one->at == 1 && !finished(*one)) before.push_back(one);
    }
    switch (word) {
      case word_take:
        call.arrived = true;
        return;
      case word_cancel:
      case word_end:
        if (call.arrived && !call.answered) call.context.interrupt(router().reactor());
        return;
      case word_put:
        puts_++;
        queue_->try_put({std::make_shared<int>(puts_)});
        for (const auto& waiting : before) {
          if (finished(*waiting) && waiting->context.interrupted()) taken_late_ = true;
        }
        return;
    }
  }

  // channel_take(), cut where it opens a lock or waits.
  void run(Call& call, bool called_off) {
    const CallScope scope({&router(), nullptr}, without_ == Without::refusal ? nullptr : &call.context);
    const bool late = call.context.interrupted();
    ChannelItem item;
    switch (call.at) {
      case 0:
        if (without_ != Without::check_before_take && late) {
          call.at = 2;
        } else if (queue_->try_take(item)) {
          taken_late_ = taken_late_ || late;
          call.item = number_of(item);
          call.at = 2;
        } else {
          call.operation = std::make_shared<ChannelWait>(CurrentNode::get(), ChannelQueue::Kind::take, ChannelItem{});
          for (std::size_t i = 0; i < 3; i++) {
            if (calls_[i].get() == &call) started_.push_back(static_cast<int>(i));
          }
          queue_->start(call.operation);
          call.at = 1;
        }
        return;
      case 1:
        if (called_off && !finished(call)) {
          call.context_heard = true;
          if (!call.operation->give_up(*queue_)) return;  // it is done in this moment
        } else {
          call.item = number_of(call.operation->item);
        }
        call.at = 2;
        return;
      default:
        call.answered = true;
        call.at = 3;
    }
  }

  const Ending ending_;
  const Without without_;
  std::shared_ptr<ChannelQueue> queue_ = std::make_shared<ChannelQueue>(4);
  std::shared_ptr<Call> calls_[3];
  Client clients_[3];
  std::deque<Word> wires_[3];
  std::vector<int> started_;
  int puts_ = 0;
  bool taken_late_ = false;
};

Explored explored(Ending ending, Without without) {
  return explore_by_replay([&] { return std::make_unique<World>(ending, without); });
}

TEST(TakeModelTest, NoItemIsLostOrDoubledInAnyOrder) {
  for (const auto ending : {Ending::gives_up, Ending::dies}) {
    const Explored found = explored(ending, Without::nothing);
    EXPECT_EQ(found.fault, "") << text_of(found);
    std::printf("%s: %zu states, %zu ends\n", ending == Ending::dies ? "dies" : "gives up", found.states, found.ends);
  }
}

// Else the test above shows nothing.
TEST(TakeModelTest, EachRuleIsNeeded) {
  EXPECT_NE(explored(Ending::dies, Without::refusal).fault, "");
  EXPECT_NE(explored(Ending::gives_up, Without::check_before_take).fault, "");
  EXPECT_NE(explored(Ending::gives_up, Without::last_word).fault, "");
}

}  // namespace
}  // namespace cohort::test
