#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

#include <cohort/accept_queue.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "broker_connection.hpp"
#include "mailbox.hpp"
#include "stream.hpp"

namespace cohort_zmq {

/// All streams of this process, over its only connection to the broker. Its own thread uses the sockets. It lives as
/// long as one of its streams or listeners; at the end it still sends, for a limited time, what was written.
class Hub {
 public:
  /// @throws Error with the broker's address and the cause.
  Hub(BrokerSettings settings, cohort::Clock::time_point deadline);
  ~Hub();
  Hub(const Hub&) = delete;

  // Any thread.

  /// @throws Error with the address and the cause.
  NodeEnd dial(const std::string& address, cohort::Clock::time_point deadline);
  /// @return its number.
  std::uint32_t add_listener(std::shared_ptr<cohort::AcceptQueue<NodeEnd>> waiting);
  void remove_listener(std::uint32_t number);
  std::string address(std::uint32_t listener) const { return address_of(connection_.id(), listener); }
  /// Why the broker was lost; empty if it was not.
  std::string lost() const;

 private:
  // A process, the number that the dialer chose, and whether this process is the dialer.
  using StreamKey = std::tuple<ClientId, std::uint64_t, bool>;
  struct Dialling;
  struct Entry {
    Stream stream;
    std::shared_ptr<Dialling> dialling;  // null: accepted
    bool ready = false;                  // is in ready_
  };

  // The hub's thread.
  void run();
  void turn(cohort::Clock::time_point deadline);
  void do_posted();
  bool receive_some();  // all there is?
  void take(const ClientId& from, const Message& message);
  void take_from_broker(const Message& message);
  void accept(const ClientId& from, const Message& message);
  void pump_some();
  NodeEnd add_stream(const StreamKey& key, std::shared_ptr<Dialling> dialling);
  void start_dialling(const Address& to, const std::shared_ptr<Dialling>& dialling);
  void poke(const StreamKey& key);
  void break_off(const StreamKey& key, const std::string& cause);
  void forget_if_over(const StreamKey& key);
  void lose_broker(const std::string& cause);
  bool all_sent() const;
  void say_good_bye();

  BrokerConnection connection_;  // the thread's, once it runs; but its id and address never change
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();

  mutable cohort::detail::Mutex mutex_;
  std::string lost_ COHORT_GUARDED_BY(mutex_);

  // The thread's own.
  std::map<StreamKey, Entry> streams_;
  std::deque<StreamKey> ready_;  // have something to move
  std::map<std::uint32_t, std::shared_ptr<cohort::AcceptQueue<NodeEnd>>> listeners_;
  std::uint64_t last_stream_ = 0;
  bool finishing_ = false;
  bool parted_ = false;  // the broker answered our good-bye

  std::atomic<std::uint32_t> last_listener_{0};
  std::thread thread_;
};

}  // namespace cohort_zmq
