// Workers in a star of ZeroMQ sockets: every process is connected to a broker and to nothing else, and none listens. It
// is the manual's example clustermanager/0mq, without a transport plugin.
//
//   star WORKERS
//
// A message has four parts: to whom (after the broker: from whom), the name of a connection, what it is, and bytes.
// What it is: "open", a connection begins; "data", bytes of it; "close", it ends.

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <zmq.hpp>
#include <zmq_addon.hpp>

#include <cohort/child_process.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/cohort.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/worker.hpp>

namespace {

using Message = std::vector<std::string>;

zmq::socket_t make_socket(zmq::context_t& context, zmq::socket_type type) {
  zmq::socket_t socket(context, type);
  socket.set(zmq::sockopt::sndhwm, 0);  // nothing may be dropped
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  return socket;
}

/// @return false: the broker knows nobody of that name, or the socket is shut down.
bool send(zmq::socket_t& socket, const Message& message) {
  try {
    for (std::size_t i = 0; i < message.size(); i++)
      socket.send(zmq::buffer(message[i]), i + 1 < message.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    return true;
  } catch (const zmq::error_t&) {
    return false;
  }
}

/// @return false: there is none, or the socket is shut down.
bool receive(zmq::socket_t& socket, Message& message, zmq::recv_flags flags) {
  std::vector<zmq::message_t> parts;
  try {
    if (!zmq::recv_multipart(socket, std::back_inserter(parts), flags)) return false;
  } catch (const zmq::error_t&) {
    return false;
  }
  message.clear();
  for (const auto& part : parts) message.push_back(part.to_string());
  return true;
}

/// Passes messages on. Those for a process that is still to come wait for its first one.
class Broker {
 public:
  Broker() : socket_(make_socket(context_, zmq::socket_type::router)) {
    socket_.set(zmq::sockopt::router_mandatory, true);
    socket_.bind("tcp://127.0.0.1:*");
    address = socket_.get(zmq::sockopt::last_endpoint);
    thread_ = std::thread([this] {
      for (Message in; receive(socket_, in, zmq::recv_flags::none);)
        if (in.size() == 5) pass_on(in);  // the sender, then the message
    });
  }
  ~Broker() {
    context_.shutdown();
    thread_.join();
  }
  std::string address;

 private:
  void pass_on(const Message& in) {
    if (seen_.insert(in[0]).second)
      for (const auto& message : std::exchange(waiting_[in[0]], {})) send(socket_, message);
    const Message out{in[1], in[0], in[2], in[3], in[4]};
    // Its socket may know the process already, but what waits for it goes first.
    if (!seen_.contains(in[1]))
      waiting_[in[1]].push_back(out);
    else if (!send(socket_, out) && in[3] != "close")
      send(socket_, {in[0], in[1], in[2], "close", ""});  // it has died
  }

  zmq::context_t context_;
  zmq::socket_t socket_;  // the thread's, as the next two
  std::set<std::string> seen_;
  std::map<std::string, std::vector<Message>> waiting_;
  std::thread thread_;
};

/// All connections of one process, by its one socket.
class Star {
 public:
  Star(const std::string& broker, const std::string& name, std::function<void(cohort::IoPair)> accept)
      : name_(name), accept_(std::move(accept)), socket_(make_socket(context_, zmq::socket_type::dealer)) {
    socket_.set(zmq::sockopt::routing_id, name);
    socket_.connect(broker);
    send(socket_, {"", "", "", ""});  // the broker knows the name from now on
    thread_ = std::thread([this] { run(); });
  }
  ~Star() {
    context_.shutdown();
    wake();
    thread_.join();
    for (auto& [name, wire] : wires_) close(wire);
  }

  cohort::IoPair connect(const std::string& peer) {
    auto [near, far] = cohort::make_buffer_pair();
    const std::lock_guard lock(mutex_);
    made_.emplace_back(Name(peer, name_ + "." + std::to_string(made_so_far_++)), std::move(far));
    wake();
    return std::move(near);
  }

 private:
  using Name = std::pair<std::string, std::string>;  // the peer, and the name that the one who connected gave
  struct Wire {
    cohort::IoPair far;    // the end that is not the cluster's
    std::string received;  // what does not fit into it yet
    bool ended = false;    // by the peer
  };

  void wake() const { eventfd_write(event_.get(), 1); }
  void run() {
    zmq::pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, event_.get(), ZMQ_POLLIN, 0}};
    try {
      for (eventfd_t count;; turn()) {
        zmq::poll(items, 2);
        if (items[1].revents != 0) eventfd_read(event_.get(), &count);
      }
    } catch (const zmq::error_t&) {  // it is shut down
    }
  }
  void turn() {
    std::unique_lock lock(mutex_);
    auto made = std::exchange(made_, {});
    lock.unlock();
    for (auto& [name, far] : made) {
      send(socket_, {name.first, name.second, "open", ""});
      begin(name, std::move(far));
    }
    for (Message in; receive(socket_, in, zmq::recv_flags::dontwait);)
      if (in.size() == 4) take(in);
    for (auto wire = wires_.begin(); wire != wires_.end();) {
      const bool goes_on = carry(wire->first, wire->second);
      if (!goes_on) close(wire->second);
      wire = goes_on ? std::next(wire) : wires_.erase(wire);
    }
  }

  void begin(const Name& name, cohort::IoPair far) {
    far.reader->on_readable([this] { wake(); });
    far.writer->on_writable([this] { wake(); });
    wires_[name].far = std::move(far);
  }

  void take(const Message& in) {
    const Name name(in[0], in[1]);
    if (in[2] == "open") {
      auto [near, far] = cohort::make_buffer_pair();
      begin(name, std::move(far));
      return accept_(std::move(near));
    }
    const auto wire = wires_.find(name);
    if (wire == wires_.end()) return;
    wire->second.received += in[3];
    wire->second.ended |= in[2] == "close";
  }

  /// Moves bytes in both directions. @return false: the connection has ended.
  bool carry(const Name& name, Wire& wire) {
    std::array<std::byte, 1 << 16> buffer;
    for (ssize_t n; (n = wire.far.reader->read(buffer)) != -EAGAIN;) {
      const bool ended = n <= 0;  // by this process
      std::string bytes(reinterpret_cast<char*>(buffer.data()), ended ? 0 : static_cast<std::size_t>(n));
      send(socket_, {name.first, name.second, ended ? "close" : "data", std::move(bytes)});
      if (ended) return false;
    }
    while (!wire.received.empty()) {
      const iovec part{wire.received.data(), wire.received.size()};
      const ssize_t n = wire.far.writer->write({&part, 1});
      if (n <= 0) return n == -EAGAIN;
      wire.received.erase(0, static_cast<std::size_t>(n));
    }
    return !wire.ended;
  }

  static void close(Wire& wire) {  // nothing calls wake() after that
    wire.far.reader->close();
    wire.far.writer->close();
  }

  const std::string name_;
  const std::function<void(cohort::IoPair)> accept_;
  const cohort::FileDescriptor event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex_;
  std::vector<std::pair<Name, cohort::IoPair>> made_;  // by connect(), under mutex_, as the next
  int made_so_far_ = 0;
  zmq::context_t context_;
  zmq::socket_t socket_;  // the thread's, as the next
  std::map<Name, Wire> wires_;
  std::thread thread_;
};

class StarManager final : public cohort::ClusterManager {
 public:
  /// On the master.
  explicit StarManager(int count) : count_(count), broker_(std::make_unique<Broker>()) {
    begin(broker_->address, "master");
  }
  /// On a worker, where it only connects.
  StarManager() = default;
  void begin(const std::string& broker, const std::string& name) {
    star_ = std::make_unique<Star>(broker, name, [](cohort::IoPair incoming) {
      try {
        cohort::process_messages(std::move(incoming));
      } catch (const cohort::Error&) {  // this process is a worker no longer
      }
    });
  }

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    for (int i = 0; i < count_; i++) {
      cohort::WorkerConfig config;
      config.connect_at = "worker" + std::to_string(i);
      cohort::SpawnOptions spawn;
      spawn.command = {params.exename, "--worker", broker_->address, config.connect_at};
      spawn.input = params.cookie + '\n';
      spawn.capture = false;
      config.userdata = std::make_shared<cohort::ChildProcess>(cohort::ChildProcess::spawn(spawn));
      launched.push(std::move(config));
    }
  }
  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override {
    if (op == cohort::ManageOp::finalize) kill(pid, config);
  }
  void kill(cohort::Pid, cohort::WorkerConfig& config) override {
    const auto process = std::any_cast<std::shared_ptr<cohort::ChildProcess>>(config.userdata);
    process->terminate(std::chrono::seconds(2), std::chrono::seconds(2));
  }
  cohort::IoPair connect(cohort::Pid, cohort::WorkerConfig& config, cohort::Transport&,
                         cohort::Clock::time_point) override {
    return star_->connect(config.connect_at);
  }

 private:
  const int count_ = 0;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Star> star_;
};

int serve_as_worker(const std::string& broker, const std::string& name) {
  std::string cookie;
  std::getline(std::cin, cookie);
  const auto manager = std::make_shared<StarManager>();
  cohort::init_worker({.cookie = cookie, .manager = manager});
  manager->begin(broker, name);
  return cohort::serve();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string(argv[1]) == "--worker") return serve_as_worker(argv[2], argv[3]);
    cohort::Session session(argc, argv);
    const auto pids = cohort::addprocs(std::make_shared<StarManager>(argc > 1 ? std::atoi(argv[1]) : 2));
    const auto ids_of = [](const std::vector<cohort::Pid>& others) {  // asks each of them
      int sum = 0;
      for (const auto other : others) sum += cohort::remotecall_fetch([] { return int{cohort::myid()}; }, other);
      return sum;
    };
    for (const auto pid : pids)
      std::printf("worker %d: the ids sum up to %d\n", pid, cohort::remotecall_fetch(ids_of, pid, pids));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "star: %s\n", error.what());
    return 1;
  }
}
