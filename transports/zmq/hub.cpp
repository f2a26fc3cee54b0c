#include "hub.hpp"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/start_thread.hpp>

namespace cohort_zmq {
namespace {

using cohort::Clock;
using cohort::Error;
using cohort::ErrorKind;

constexpr int messages_a_turn = 64;                // then others have a turn
constexpr std::chrono::seconds last_send_time(2);  // for what was written when the last stream is gone

// Threads inherit what their maker blocks: the program's signals are for its own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

// What a thread in dial() waits for.
struct Hub::Dialling {
  cohort::detail::Mutex mutex;
  cohort::detail::ConditionVariable changed;
  bool done COHORT_GUARDED_BY(mutex) = false;
  std::string problem COHORT_GUARDED_BY(mutex);
  NodeEnd stream COHORT_GUARDED_BY(mutex);

  void finish(std::string what) {
    const cohort::detail::MutexLock lock(mutex);
    if (std::exchange(done, true)) return;
    problem = std::move(what);
    changed.notify_all();
  }
};

Hub::Hub(BrokerSettings settings, Clock::time_point deadline) : connection_(std::move(settings), deadline) {
  const SignalsBlocked blocked;
  thread_ = cohort::start_thread("exchange messages with the zmq broker", [this] { run(); });
}

Hub::~Hub() {
  mailbox_->post([this] { finishing_ = true; });
  thread_.join();
}

// --- Any thread. ---

NodeEnd Hub::dial(const std::string& address, Clock::time_point deadline) {
  const std::string what =
      "cannot connect to " + cohort::excerpt(address) + " over the zmq broker at " + connection_.address() + ": ";
  const auto to = parse_address(address);
  if (!to) throw Error(what + "the address must be zmq:CLIENT/NUMBER, as a listener of this transport says it");
  auto dialling = std::make_shared<Dialling>();
  mailbox_->post([this, to = *to, dialling] { start_dialling(to, dialling); });
  cohort::detail::MutexLock lock(dialling->mutex);
  while (!dialling->done) {
    if (deadline == Clock::time_point::max()) {
      dialling->changed.wait(dialling->mutex);
    } else if (Clock::now() < deadline) {
      dialling->changed.wait_until(dialling->mutex, deadline);
    } else {
      dialling->done = true;  // what comes of it now is closed again
      throw cohort::TimeoutError(what + "no answer in time");
    }
  }
  if (!dialling->problem.empty()) throw Error(what + dialling->problem, ErrorKind::disconnected);
  return std::move(dialling->stream);
}

std::uint32_t Hub::add_listener(std::shared_ptr<cohort::AcceptQueue<NodeEnd>> waiting) {
  const std::uint32_t number = ++last_listener_;
  mailbox_->post([this, number, waiting = std::move(waiting)] { listeners_.emplace(number, waiting); });
  return number;
}

void Hub::remove_listener(std::uint32_t number) {
  mailbox_->post([this, number] { listeners_.erase(number); });
}

std::string Hub::lost() const {
  const cohort::detail::MutexLock lock(mutex_);
  return lost_;
}

// --- The hub's thread. ---

void Hub::run() {
  ::pthread_setname_np(::pthread_self(), "cohort-zmq");
  // Without memory all streams end, as if the broker were gone; those that wait for them learn it.
  const auto guarded = [this](auto&& work) {
    try {
      work();
    } catch (const std::exception& error) {
      lose_broker(error.what());
    }
  };
  while (!finishing_) guarded([this] { turn(Clock::time_point::max()); });
  guarded([this] { say_good_bye(); });
  streams_.clear();
}

void Hub::turn(Clock::time_point deadline) {
  const bool more = !ready_.empty() && connection_.idle();
  connection_.wait(mailbox_->descriptor(), more ? Clock::now() : deadline);
  do_posted();
  const bool received_all = receive_some();
  connection_.send_kept();
  pump_some();
  if (received_all && lost().empty()) {
    if (const std::string cause = connection_.ended(); !cause.empty()) lose_broker(cause);
  }
}

void Hub::do_posted() {
  for (const auto& work : mailbox_->take()) work();
}

bool Hub::receive_some() {
  for (int i = 0; i < messages_a_turn; ++i) {
    const auto incoming = connection_.receive();
    if (!incoming) return true;
    const auto message = *decode(incoming->message);
    if (incoming->from.empty())
      take_from_broker(message);
    else if (message.type == MessageType::open)
      accept(incoming->from, message);
    else
      take(incoming->from, message);
  }
  return false;
}

void Hub::take_from_broker(const Message& message) {
  if (message.type == MessageType::bye) parted_ = true;
  if (message.type != MessageType::gone) return;
  const ClientId client = message.text();
  auto at = streams_.lower_bound({client, 0, false});
  while (at != streams_.end() && std::get<ClientId>(at->first) == client) {
    const StreamKey key = (at++)->first;
    break_off(key, "no such process is connected to it, or not any more");
  }
}

void Hub::accept(const ClientId& from, const Message& message) {
  const auto refuse = [&](std::string_view why) {
    connection_.send(from, {MessageType::refuse, true, 0, message.stream, std::as_bytes(std::span(why))});
  };
  do_posted();  // whoever made the listener has not waited for this thread to know it
  const StreamKey key{from, message.stream, false};
  if (message.from_acceptor || streams_.contains(key)) return;
  const auto listener = listeners_.find(message.value);
  if (listener == listeners_.end()) return refuse("the process is there, but does not listen any more");
  connection_.send(from, {MessageType::accept, true, 0, message.stream});
  listener->second->add(add_stream(key, nullptr));  // if it does not take it, both halves are closed by that
  poke(key);
}

void Hub::take(const ClientId& from, const Message& message) {
  const StreamKey key{from, message.stream, message.from_acceptor};
  const auto found = streams_.find(key);
  if (found == streams_.end()) return;  // over on this side
  Entry& entry = found->second;
  if (entry.dialling != nullptr) {
    if (message.type == MessageType::refuse) return break_off(key, message.text());
    if (message.type != MessageType::accept) return break_off(key, "it broke the rules of the protocol");
    std::exchange(entry.dialling, nullptr)->finish("");
  } else if (!entry.stream.take(message)) {
    return break_off(key, "");
  }
  poke(key);
}

NodeEnd Hub::add_stream(const StreamKey& key, std::shared_ptr<Dialling> dialling) {
  const auto send = [this, key](MessageType type, std::uint32_t value, std::span<const std::byte> data) {
    connection_.send(std::get<ClientId>(key), {type, !std::get<bool>(key), value, std::get<std::uint64_t>(key), data});
  };
  // The callback outlives neither the stream nor this: the mailbox only keeps it until it is asked for.
  const auto when_ready = [this, key, mailbox = mailbox_] { mailbox->post([this, key] { poke(key); }); };
  NodeEnd node_end;
  streams_.emplace(key, Entry{Stream(send, when_ready, node_end), std::move(dialling)});
  return node_end;
}

void Hub::start_dialling(const Address& to, const std::shared_ptr<Dialling>& dialling) {
  if (const std::string cause = lost(); !cause.empty()) return dialling->finish(cause);
  const StreamKey key{to.client, ++last_stream_, true};
  NodeEnd stream = add_stream(key, dialling);
  {
    const cohort::detail::MutexLock lock(dialling->mutex);
    dialling->stream = std::move(stream);
  }
  connection_.send(to.client, {MessageType::open, false, to.listener, last_stream_});
}

void Hub::poke(const StreamKey& key) {
  const auto found = streams_.find(key);
  if (found == streams_.end() || std::exchange(found->second.ready, true)) return;
  ready_.push_back(key);
}

// Each stream one message at a time, in turn, as long as the socket takes them.
void Hub::pump_some() {
  for (int i = 0; i < messages_a_turn && !ready_.empty() && connection_.idle(); ++i) {
    const StreamKey key = std::move(ready_.front());
    ready_.pop_front();
    const auto found = streams_.find(key);
    if (found == streams_.end()) continue;
    found->second.ready = false;
    if (found->second.dialling == nullptr && found->second.stream.pump()) poke(key);
    forget_if_over(key);
  }
}

void Hub::forget_if_over(const StreamKey& key) {
  const auto found = streams_.find(key);
  if (found != streams_.end() && found->second.stream.over()) streams_.erase(found);
}

void Hub::break_off(const StreamKey& key, const std::string& cause) {
  auto entry = streams_.extract(key);
  entry.mapped().stream.break_off();
  if (entry.mapped().dialling != nullptr) entry.mapped().dialling->finish(cause);
}

void Hub::lose_broker(const std::string& cause) {
  const std::string text = "the zmq broker at " + connection_.address() + " is lost: " + cause;
  {
    const cohort::detail::MutexLock lock(mutex_);
    lost_ = text;
  }
  // Before anybody reads the end: a worker that loses its master leaves at once, and these are its last words.
  if (!streams_.empty()) std::fprintf(stderr, "cohort: %s\n", text.c_str());
  while (!streams_.empty()) break_off(StreamKey(streams_.begin()->first), text);
}

bool Hub::all_sent() const {
  for (const auto& [key, entry] : streams_)
    if (entry.dialling == nullptr && !entry.stream.all_sent()) return false;
  return connection_.idle();
}

void Hub::say_good_bye() {
  const auto deadline = cohort::deadline_after(last_send_time);
  const auto go_on = [&] { return lost().empty() && Clock::now() < deadline; };
  while (!all_sent() && go_on()) turn(deadline);
  connection_.send({}, {.type = MessageType::bye});
  while (!parted_ && go_on()) turn(deadline);
}

}  // namespace cohort_zmq
