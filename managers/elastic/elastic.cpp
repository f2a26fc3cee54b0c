// Workers that come by themselves: the master listens, and they dial it, wherever they were started, by
// `cohort worker --join FILE`. They may come at any time, and leave as they like.

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/join_file.hpp>
#include <cohort/plugin.hpp>
#include <cohort/worker_acceptor.hpp>

namespace {

using cohort::LaunchQueue;
using cohort::OptionType;
using cohort::WorkerConfig;

constexpr cohort::Option elastic_options[] = {
    {"count", OptionType::integer, "0", "workers that must have joined before the launch is over; others may follow",
     nullptr, 0},
    {"listen", OptionType::string, nullptr,
     "where to listen for workers, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: the loopback "
     "address, any port)",
     nullptr},
    {"file", OptionType::string, "\"cohort-join.json\"",
     "the join file that is written then, of mode 0600, and removed at the end", nullptr},
};

class ElasticManager final : public cohort::ClusterManager {
 public:
  explicit ElasticManager(const cohort::Options& options)
      : count_(options.integer("count")),
        listen_(options.has("listen") ? options.string("listen") : ""),
        file_(std::filesystem::absolute(cohort::expand_home(options.string("file")))) {}

  ~ElasticManager() override {
    acceptor_.reset();
    cohort::JoinFile::remove(file_, written_);
  }

  void launch(const cohort::LaunchParams& params, LaunchQueue& launched) override {
    cohort::detail::MutexLock lock(mutex_);
    open(params, launched);
    wanted_ = count_;
    taking_ = &launched;
    const auto all_came = [this]() COHORT_REQUIRES(mutex_) { return wanted_ == 0; };
    came_.wait(mutex_, params.stop, all_came);  // the core stops it in time
    taking_ = nullptr;
    if (const auto missing = std::exchange(wanted_, 0); missing > 0) {
      launched.fail(std::to_string(count_ - missing) + " of " + std::to_string(count_) +
                        (count_ == 1 ? " worker" : " workers") + " joined in time; start '" + params.exename +
                        "' by: cohort worker --join " + file_.string(),
                    static_cast<int>(missing));
    }
  }

  void manage(cohort::Pid, WorkerConfig& config, cohort::ManageOp op) override {
    if (op == cohort::ManageOp::finalize) take(config);
  }

  cohort::IoPair connect(cohort::Pid, WorkerConfig& config, cohort::Transport&, cohort::Clock::time_point) override {
    if (auto connection = take(config)) return std::move(*connection);
    throw cohort::Error("the worker's connection is gone: it must join again");
  }

 private:
  using ArrivalId = std::uint64_t;

  // Within launch(). Workers that come later are started as this launch says.
  void open(const cohort::LaunchParams& params, LaunchQueue& launched) COHORT_REQUIRES(mutex_) {
    if (acceptor_ == nullptr) {
      acceptor_ = std::make_unique<cohort::WorkerAcceptor>(
          params.transport->listen(listen_), params.cookie,
          [this](cohort::AcceptedWorker worker) { take_in(std::move(worker)); });
    }
    written_.reset();  // that of an earlier launch is replaced
    written_ =
        cohort::JoinFile{acceptor_->address(), params.exename, params.exeflags, params.dir, params.cookie}.write(file_);
    later_ = launched.keep_open();
  }

  // On the thread of `acceptor_`.
  void take_in(cohort::AcceptedWorker worker) {
    WorkerConfig config;
    config.connect_at = std::move(worker.address);
    const cohort::detail::MutexLock lock(mutex_);
    if (later_ == nullptr) return;  // the launch failed
    config.userdata = next_id_;
    connections_.emplace(next_id_++, std::move(worker.connection));
    if (taking_ == nullptr || wanted_ == 0) return later_->push(std::move(config));
    taking_->push(std::move(config));
    if (--wanted_ == 0) came_.notify_all();
  }

  std::optional<cohort::IoPair> take(const WorkerConfig& config) {
    const auto* id = std::any_cast<ArrivalId>(&config.userdata);
    const cohort::detail::MutexLock lock(mutex_);
    auto found = id == nullptr ? decltype(connections_)::node_type() : connections_.extract(*id);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
  }

  const std::int64_t count_;
  const std::string listen_;
  const std::filesystem::path file_;

  cohort::detail::Mutex mutex_;
  std::condition_variable_any came_;
  std::map<ArrivalId, cohort::IoPair> connections_ COHORT_GUARDED_BY(mutex_);  // not yet taken over by the core
  ArrivalId next_id_ COHORT_GUARDED_BY(mutex_) = 0;
  std::int64_t wanted_ COHORT_GUARDED_BY(mutex_) = 0;        // workers that the launch under way still waits for
  LaunchQueue* taking_ COHORT_GUARDED_BY(mutex_) = nullptr;  // while it does
  std::shared_ptr<LaunchQueue> later_ COHORT_GUARDED_BY(mutex_);
  cohort::FileDescriptor written_ COHORT_GUARDED_BY(mutex_);  // the join file; open while it is in use
  std::unique_ptr<cohort::WorkerAcceptor> acceptor_ COHORT_GUARDED_BY(mutex_);  // its thread uses all above
};

}  // namespace

COHORT_CLUSTER_MANAGER("elastic", ElasticManager, "0.1.0", elastic_options)
