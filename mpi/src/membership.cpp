#include <cohort/detail/mpi_membership.hpp>

#include <algorithm>
#include <any>
#include <condition_variable>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <cohort/cluster.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>
#include <cohort/join_file.hpp>
#include <cohort/node.hpp>
#include <cohort/start_thread.hpp>
#include <cohort/transport.hpp>
#include <cohort/worker.hpp>

#include "../../managers/batch/door.hpp"
#include "../../managers/batch/in_order.hpp"

namespace cohort {
namespace mpi {
namespace detail {

using cohort::detail::MutexLock;

namespace {

using namespace std::chrono_literals;

constexpr Duration margin = 30s;         // beyond the time of rank 0, which knows better why nothing comes of it
constexpr Duration connect_limit = 10s;  // for one of several addresses
constexpr char failed = '!';             // the first character of a text that says why rank 0 gave up

bool is_ip(const std::string& transport) { return transport == "tcp" || transport == "tls"; }

// Accepts the other ranks. launch() runs on a thread of the master, and MPI is called by the one that makes the
// cluster; the texts for the ranks are what they hand over.
class Ranks final : public ClusterManager {
 public:
  Ranks(int size, const std::string& listen) : size_(size), listen_(listen) {}

  /// What each rank has to know to join. Blocks until launch() has it, or give_up() was called.
  std::vector<std::string> texts() {
    const MutexLock lock(mutex_);
    while (texts_.empty()) changed_.wait(mutex_);
    return texts_;
  }
  /// Others are told why instead, unless they have been told what they need.
  void give_up(const std::string& why) { say(std::vector<std::string>(static_cast<std::size_t>(size_), failed + why)); }

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    const auto deadline = deadline_after(params.timeout);
    if (params.timeout < never - margin) launched.extend(deadline + margin);
    LaunchParams of_workers = params;
    if (is_ip(params.transport_name)) of_workers.exeflags.push_back("--bind-to=0.0.0.0");
    cohort::batch::InOrder ranks(launched);
    door_ =
        std::make_unique<cohort::batch::Door>(listen_.empty() && is_ip(params.transport_name) ? "0.0.0.0" : listen_);
    door_->listen(of_workers);
    door_->open(ranks, size_ - 1);
    std::vector<std::string> texts{""};
    for (int rank = 1; rank < size_; ++rank) texts.push_back(door_->join_file(1, rank).text());
    say(std::move(texts));
    door_->wait(params.stop, deadline);
    const auto missing = door_->end_launch();
    const auto absent = ranks.absent(size_);
    ranks.pass_on();
    if (missing > 0)
      launched.fail(cohort::batch::list_of(absent) + " of " + std::to_string(size_) + " did not join in time",
                    static_cast<int>(missing));
  }

  void manage(Pid, WorkerConfig&, ManageOp) override {}

  std::string exit_cause(Pid, WorkerConfig& config) override {
    const int* rank = std::any_cast<int>(&config.userdata);
    return rank == nullptr || config.leaving ? ""
                                             : "rank " + std::to_string(*rank) + " has ended; its launcher knows how";
  }

 private:
  void say(std::vector<std::string> texts) {
    const MutexLock lock(mutex_);
    if (!texts_.empty()) return;
    texts_ = std::move(texts);
    changed_.notify_all();
  }

  const int size_;
  const std::string listen_;
  std::unique_ptr<cohort::batch::Door> door_;  // of launch(), which is called once
  cohort::detail::Mutex mutex_;
  cohort::detail::ConditionVariable changed_;
  std::vector<std::string> texts_ COHORT_GUARDED_BY(mutex_);
};

// The last one counts.
std::string value_of(const std::vector<std::string>& flags, std::string_view start) {
  std::string value;
  for (const std::string& flag : flags)
    if (flag.starts_with(start)) value = flag.substr(start.size());
  return value;
}

std::unique_ptr<Transport> transport_of(const JoinFile& join) {
  const std::string options = value_of(join.flags, "--cohort-transport-options=");
  auto transport = load_transport(value_of(join.flags, "--cohort-transport="), options.empty() ? "{}" : options);
  transport->set_secret(join.transport_key);
  return transport;
}

// At the first of its addresses that answers.
IoPair connect_to_rank_0(Transport& transport, const JoinFile& join, Clock::time_point deadline) {
  std::vector<std::string> addresses{join.address};
  addresses.insert(addresses.end(), join.other_addresses.begin(), join.other_addresses.end());
  std::string problems;
  for (const std::string& address : addresses) {
    try {
      return transport.connect(address,
                               addresses.size() == 1 ? deadline : std::min(deadline, deadline_after(connect_limit)));
    } catch (const std::exception& error) {
      problems += (problems.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  throw Error("cannot join the cluster of rank 0: " + problems);
}

void be_worker(const std::string& text, Duration limit) {
  if (text.starts_with(failed)) throw Error("rank 0 could not begin a cluster: " + text.substr(1));
  const JoinFile join = JoinFile::parse(text, "what rank 0 has sent");
  const auto wires = transport_of(join);  // of the connection to rank 0
  IoPair master = connect_to_rank_0(*wires, join, deadline_after(limit));
  WorkerOptions options;
  options.token = join.tokens.at(0);
  options.transport_key = join.transport_key;
  options.transport = transport_of(join);
  options.bind_to = value_of(join.flags, "--bind-to=");
  options.master_timeout = limit > never - margin ? never : limit + margin;
  Node worker(std::move(options));
  worker.join_cluster(std::move(master));
  if (worker.serve() != 0) throw Error("this rank was a worker of rank 0, and has lost it");
}

}  // namespace

Communicator::~Communicator() = default;

// The node of rank 0, on which the free functions act in the thread that makes it.
class Membership::Master {
 public:
  /// @param told set when the others have been told how to join, or why there is nothing to join.
  Master(Communicator& ranks, const ClusterOptions& options, bool& told)
      : node_(NodeOptions{.timeouts = options.timeouts, .transport = options.transport}), here_(node_) {
    if (ranks.size() == 1) return;
    const auto manager = std::make_shared<Ranks>(ranks.size(), options.listen);
    std::exception_ptr failure;
    std::thread adding = start_thread("wait for the other ranks", [&] {
      const Node::Scope here(node_);
      try {
        addprocs(manager);
      } catch (const std::exception& error) {
        failure = std::current_exception();
        manager->give_up(error.what());
      }
    });
    const auto texts = manager->texts();
    told = true;
    ranks.scatter(texts);
    adding.join();
    if (failure != nullptr) std::rethrow_exception(failure);
  }

 private:
  Node node_;
  Node::Scope here_;
};

Membership::Membership(Communicator& ranks, const ClusterOptions& options) {
  const std::string problem = ranks.problem();
  if (!ranks.all(problem.empty()))
    throw Error(problem.empty() ? "another rank cannot take part in the cluster; it says why" : problem);
  if (ranks.rank() > 0) {
    be_worker(ranks.scatter({}), options.timeouts.launch);
    return;
  }
  bool told = false;
  try {
    master_ = std::make_unique<Master>(ranks, options, told);
  } catch (const std::exception& error) {
    if (!told)
      ranks.scatter(
          std::vector<std::string>(static_cast<std::size_t>(ranks.size()), failed + std::string(error.what())));
    throw;
  }
}

Membership::~Membership() = default;

}  // namespace detail
}  // namespace mpi
}  // namespace cohort
