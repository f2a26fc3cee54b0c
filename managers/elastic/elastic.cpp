// Workers that come by themselves: the master listens, and they dial it, wherever they were started, by
// `cohort worker --join FILE`. They may come at any time, and leave as they like.

#include <condition_variable>
#include <filesystem>
#include <memory>
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

  void manage(cohort::Pid, WorkerConfig&, cohort::ManageOp) override {}

 private:
  // Within launch(). Workers that come later are started as this launch says.
  void open(const cohort::LaunchParams& params, LaunchQueue& launched) COHORT_REQUIRES(mutex_) {
    if (acceptor_ == nullptr) {
      auto listener = params.transport->listen(listen_);
      acceptor_ = std::make_unique<cohort::WorkerAcceptor>([this](WorkerConfig worker) { take_in(std::move(worker)); });
      address_ = acceptor_->accept_at(std::move(listener));
    }
    written_.reset();  // that of an earlier launch is replaced
    written_ = cohort::JoinFile{address_, params.exename, params.exeflags, params.dir, params.cookie}.write(file_);
    later_ = launched.keep_open();
  }

  // A plugin thread.
  void take_in(WorkerConfig worker) {
    const cohort::detail::MutexLock lock(mutex_);
    if (later_ == nullptr) return;  // the launch failed
    if (taking_ == nullptr || wanted_ == 0) return later_->push(std::move(worker));
    taking_->push(std::move(worker));
    if (--wanted_ == 0) came_.notify_all();
  }

  const std::int64_t count_;
  const std::string listen_;
  const std::filesystem::path file_;

  cohort::detail::Mutex mutex_;
  std::condition_variable_any came_;
  std::int64_t wanted_ COHORT_GUARDED_BY(mutex_) = 0;        // workers that the launch under way still waits for
  LaunchQueue* taking_ COHORT_GUARDED_BY(mutex_) = nullptr;  // while it does
  std::shared_ptr<LaunchQueue> later_ COHORT_GUARDED_BY(mutex_);
  cohort::FileDescriptor written_ COHORT_GUARDED_BY(mutex_);  // the join file; open while it is in use
  std::string address_ COHORT_GUARDED_BY(mutex_);             // of acceptor_
  std::unique_ptr<cohort::WorkerAcceptor> acceptor_ COHORT_GUARDED_BY(mutex_);  // its calls use all above
};

}  // namespace

COHORT_CLUSTER_MANAGER("elastic", ElasticManager, "0.1.0", elastic_options)
