#include <cohort/testing/test_cluster.hpp>

#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/detail/test_clock.hpp>
#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>

namespace cohort::testing {
namespace {

/// Of all wires of a cluster together.
struct Traffic {
  std::atomic<std::uint64_t> moved{0};  // bytes that were read and written
  // Writers that took only a part of what they were given, and get the rest at once: a thread may stand still there, on
  // a busy machine, while the clock goes on.
  std::atomic<int> begun{0};
};

/// What a test does to a connection; its four halves look at it.
class Wire {
 public:
  enum class State { open, stalled, cut };

  explicit Wire(std::shared_ptr<Traffic> traffic) : traffic_(std::move(traffic)) {}

  ssize_t count(ssize_t bytes) {
    if (bytes > 0) traffic_->moved += static_cast<std::uint64_t>(bytes);
    return bytes;
  }
  void begun(int change) { traffic_->begun += change; }
  State state() {
    detail::MutexLock lock(mutex_);
    return state_;
  }
  /// Calls every half that waits, so that it looks again.
  void set(State state) {
    detail::MutexLock lock(mutex_);  // during the callbacks, which only post: forget() waits for them
    if (state_ == State::cut) return;
    state_ = state;
    for (const auto& [half, ready] : ready_) ready();
  }
  void watch(const void* half, std::function<void()> ready) {
    detail::MutexLock lock(mutex_);
    ready_[half] = std::move(ready);
  }
  /// Nothing is called for that half afterwards.
  void forget(const void* half) {
    detail::MutexLock lock(mutex_);
    ready_.erase(half);
  }

 private:
  const std::shared_ptr<Traffic> traffic_;
  detail::Mutex mutex_;
  State state_ COHORT_GUARDED_BY(mutex_) = State::open;
  std::map<const void*, std::function<void()>> ready_ COHORT_GUARDED_BY(mutex_);
};

class WireReader final : public Reader {
 public:
  WireReader(std::unique_ptr<Reader> inner, std::shared_ptr<Wire> wire, std::size_t piece)
      : inner_(std::move(inner)), wire_(std::move(wire)), piece_(piece) {}
  ~WireReader() override { wire_->forget(this); }

  ssize_t read(std::span<std::byte> buffer) override {
    const auto state = wire_->state();
    if (state == Wire::State::cut) return -ECONNRESET;
    if (state == Wire::State::stalled) return -EAGAIN;
    return wire_->count(inner_->read(buffer.first(std::min(buffer.size(), piece_ == 0 ? buffer.size() : piece_))));
  }
  void on_readable(std::function<void()> ready) override {
    wire_->watch(this, ready);
    inner_->on_readable(std::move(ready));
  }
  void close() override {
    wire_->forget(this);
    inner_->close();
  }

 private:
  const std::unique_ptr<Reader> inner_;
  const std::shared_ptr<Wire> wire_;
  const std::size_t piece_;
};

class WireWriter final : public Writer {
 public:
  WireWriter(std::unique_ptr<Writer> inner, std::shared_ptr<Wire> wire, std::size_t piece)
      : inner_(std::move(inner)), wire_(std::move(wire)), piece_(piece) {}
  ~WireWriter() override {
    wire_->forget(this);
    set_begun(false);
  }

  ssize_t write(std::span<const iovec> parts) override {
    std::size_t wanted = 0;
    for (const iovec& part : parts) wanted += part.iov_len;
    const ssize_t count = write_piece(parts);
    set_begun(count > 0 && static_cast<std::size_t>(count) < wanted);
    return count;
  }
  void on_writable(std::function<void()> ready) override {
    wire_->watch(this, ready);
    inner_->on_writable(std::move(ready));
  }
  void close() override {
    wire_->forget(this);
    inner_->close();
    set_begun(false);
  }

 private:
  ssize_t write_piece(std::span<const iovec> parts) {
    const auto state = wire_->state();
    if (state == Wire::State::cut) return -EPIPE;
    if (state == Wire::State::stalled) return -EAGAIN;
    if (piece_ == 0) return wire_->count(inner_->write(parts));
    const auto part = std::find_if(parts.begin(), parts.end(), [](const iovec& each) { return each.iov_len > 0; });
    if (part == parts.end()) return inner_->write(parts);
    const iovec some{part->iov_base, std::min(part->iov_len, piece_)};
    return wire_->count(inner_->write({&some, 1}));
  }
  void set_begun(bool begun) {
    if (begun_.exchange(begun) != begun) wire_->begun(begun ? 1 : -1);
  }

  const std::unique_ptr<Writer> inner_;
  const std::shared_ptr<Wire> wire_;
  const std::size_t piece_;
  std::atomic<bool> begun_{false};
};

IoPair over(IoPair inner, const std::shared_ptr<Wire>& wire, std::size_t piece) {
  return {std::make_unique<WireReader>(std::move(inner.reader), wire, piece),
          std::make_unique<WireWriter>(std::move(inner.writer), wire, piece)};
}

}  // namespace

/// Launches nodes, and connects them. Owned by the TestCluster and by the master; the nodes only point to it.
class TestCluster::Manager final : public ClusterManager {
 public:
  Manager(Node& master, const WireOptions& options) : master_(master), options_(options) {}

  void set_count(int count) { count_ = count; }
  const Traffic& traffic() const { return *traffic_; }

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    for (int i = 0; i < count_; i++) {
      auto connects = std::make_shared<Connects>(*this);
      auto node = std::make_shared<Node>(WorkerOptions{.cookie = params.cookie, .manager = connects});
      connects->from = node.get();
      WorkerConfig config;
      {
        detail::MutexLock lock(mutex_);
        config.connect_at = std::to_string(next_++);
        nodes_[config.connect_at] = std::move(node);
      }
      launched.push(std::move(config));
    }
  }

  void manage(Pid, WorkerConfig& config, ManageOp op) override {
    if (op == ManageOp::finalize) end(config.connect_at);
  }
  void kill(Pid, WorkerConfig& config) override { end(config.connect_at); }

  IoPair connect(Pid pid, WorkerConfig& config, Transport&, Clock::time_point) override {
    return connect(master_, pid, config.connect_at);
  }

  void kill(Pid pid) {
    std::string address;
    {
      detail::MutexLock lock(mutex_);
      for (const auto& [at, node] : nodes_) {
        if (node->id() == pid) address = at;
      }
      if (address.empty()) throw Error("no worker " + std::to_string(pid) + " is in this test cluster");
      for (const auto& [ends, wire] : wires_) {
        if (ends.first == pid || ends.second == pid) wire->set(Wire::State::cut);
      }
    }
    end(address);
  }

  void set(Pid one, Pid other, Wire::State state) {
    std::vector<std::shared_ptr<Wire>> wires;
    {
      detail::MutexLock lock(mutex_);
      const auto [begin, end] = wires_.equal_range(std::minmax(one, other));
      for (auto wire = begin; wire != end; ++wire) wires.push_back(wire->second);
    }
    if (wires.empty())
      throw Error("processes " + std::to_string(one) + " and " + std::to_string(other) + " are not connected");
    for (const auto& wire : wires) wire->set(state);
  }

 private:
  /// The manager of a worker, which connects it to other workers.
  struct Connects final : ClusterManager {
    explicit Connects(Manager& manager) : all(manager) {}
    void launch(const LaunchParams&, LaunchQueue&) override {}
    void manage(Pid, WorkerConfig&, ManageOp) override {}
    IoPair connect(Pid pid, WorkerConfig& config, Transport&, Clock::time_point) override {
      return all.connect(*from, pid, config.connect_at);
    }
    Manager& all;
    Node* from = nullptr;  // owns this
  };

  IoPair connect(Node& from, Pid to, const std::string& address) {
    auto [near, far] = make_buffer_pair(options_.capacity);
    const auto wire = std::make_shared<Wire>(traffic_);
    std::shared_ptr<Node> node;
    {
      detail::MutexLock lock(mutex_);
      const auto found = nodes_.find(address);
      if (found == nodes_.end()) throw Error("the worker at " + address + " has ended");
      node = found->second;
      wires_.emplace(std::minmax(from.id(), to), wire);
    }
    node->process_messages(over(std::move(far), wire, options_.piece));
    return over(std::move(near), wire, options_.piece);
  }

  void end(const std::string& address) {
    std::shared_ptr<Node> node;  // destroyed without the lock, when nobody connects to it any more
    detail::MutexLock lock(mutex_);
    if (const auto found = nodes_.find(address); found != nodes_.end()) {
      node = std::move(found->second);
      nodes_.erase(found);
    }
  }

  Node& master_;
  const WireOptions options_;
  const std::shared_ptr<Traffic> traffic_ = std::make_shared<Traffic>();
  int count_ = 0;  // of the launch under way
  detail::Mutex mutex_;
  int next_ COHORT_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::shared_ptr<Node>> nodes_ COHORT_GUARDED_BY(mutex_);               // by address
  std::multimap<std::pair<Pid, Pid>, std::shared_ptr<Wire>> wires_ COHORT_GUARDED_BY(mutex_);  // by its ends
};

TestCluster::TestCluster(int workers, const AddprocsOptions& options, const WireOptions& wire)
    : scope_(master_), manager_(std::make_shared<Manager>(master_, wire)) {
  const Timeouts timeouts = options.timeouts.value_or(Timeouts());
  heartbeat_ = std::max(Duration(std::chrono::milliseconds(1)), std::min(timeouts.heartbeat, timeouts.dead / 4));
  add(workers, options);
}

TestCluster::~TestCluster() { master_.stop(); }

std::vector<Pid> TestCluster::add(int workers, const AddprocsOptions& options) {
  if (workers < 0) throw ConfigError("TestCluster: " + std::to_string(workers) + " workers cannot be");
  manager_->set_count(workers);
  auto pids = addprocs(manager_, options);
  workers_.insert(workers_.end(), pids.begin(), pids.end());
  return pids;
}

void TestCluster::kill(Pid worker) { manager_->kill(worker); }
void TestCluster::stall(Pid one, Pid other) { manager_->set(one, other, Wire::State::stalled); }
void TestCluster::resume(Pid one, Pid other) { manager_->set(one, other, Wire::State::open); }
void TestCluster::cut(Pid one, Pid other) { manager_->set(one, other, Wire::State::cut); }

// In steps: a process that has not looked for longer than two heartbeats takes itself for one that was stopped.
void TestCluster::advance(Duration time) {
  if (time < Duration::zero() || time > std::chrono::hours(24))
    throw ConfigError("TestCluster::advance: the time is negative, or more than a day");
  while (time > Duration::zero()) {
    const Duration step = std::min(time, heartbeat_);
    time -= step;
    detail::advance_clock(step);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::uint64_t moved;
    do {  // until no byte is under way
      if (std::chrono::steady_clock::now() > patience)
        throw Error(
            "TestCluster::advance: bytes are still under way after 60 s: a thread stands still, or sends for ever");
      moved = manager_->traffic().moved;
      detail::turn_loops();
      detail::turn_loops();
    } while (manager_->traffic().moved != moved || manager_->traffic().begun != 0);
  }
}

}  // namespace cohort::testing
