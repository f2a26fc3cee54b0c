// Workers that srun or mpiexec has started together with this process, of the same program: it is the one of rank 0,
// and they dial in. A worker's side is that of the Session, as it is what decides whether a process is the master.

#include <algorithm>
#include <any>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/join_file.hpp>
#include <cohort/launched.hpp>
#include <cohort/plugin.hpp>

#include "../batch/door.hpp"
#include "../batch/in_order.hpp"
#include "../batch/notice.hpp"
#include "launcher_watch.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::OptionType;

constexpr cohort::Duration not_worth_telling = 2s;
constexpr cohort::Duration margin = 30s;

constexpr cohort::Option launched_options[] = {
    {"directory", OptionType::string, "\".\"",
     "where the processes meet by a join file, which is removed when all have come; all of them must see it", nullptr},
    {"name", OptionType::string, nullptr,
     "of this run, which no other has that meets there (default: what the launcher calls it)", nullptr},
    {"listen", OptionType::string, nullptr,
     "where rank 0 listens, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: all its addresses, "
     "any port)",
     nullptr},
};

class LaunchedManager final : public cohort::ClusterManager {
 public:
  explicit LaunchedManager(const cohort::Options& options)
      : directory_(options.string("directory")),
        name_(options.has("name") ? options.string("name") : ""),
        listen_(options.has("listen") ? options.string("listen") : "") {}
  ~LaunchedManager() override { remove_join_file(); }

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    if (door_ != nullptr) throw cohort::Error("the processes that were started with this one are its workers already");
    const auto process = cohort::launched_process();
    if (!process) throw cohort::ConfigError("neither srun nor mpiexec has started this program");
    if (process->rank != 0)
      throw cohort::ConfigError("this is rank " + std::to_string(process->rank) +
                                ", and only rank 0 becomes the master; programs that make a cohort::Session can be "
                                "started so, by: cohort run --launched");
    if (process->size > 1) watch_.emplace(process->launcher);
    file_ = cohort::meeting_point(*process, directory_, name_);
    const bool by_ip = params.transport_name == "tcp" || params.transport_name == "tls";
    door_ = std::make_unique<cohort::batch::Door>(listen_.empty() && by_ip ? "0.0.0.0" : listen_);
    cohort::LaunchParams of_workers = params;
    if (by_ip) of_workers.exeflags.push_back("--bind-to=0.0.0.0");
    cohort::batch::InOrder workers(launched);
    door_->listen(of_workers);
    door_->open(workers, process->size - 1);
    std::int64_t missing = 0;
    try {
      write_join_file(process->size);
      wait(*process, workers, params);
      missing = door_->end_launch();
    } catch (...) {
      door_->end_launch();
      throw;
    }
    const auto absent = workers.absent(process->size);
    workers.pass_on();
    if (missing > 0)
      launched.fail(cohort::batch::list_of(absent) + " of " + std::to_string(process->size) + ", which " +
                        process->launcher + " has started, did not join in time. Have they ended, or do they not see " +
                        file_.string() + "?",
                    static_cast<int>(missing));
    else
      remove_join_file();
  }

  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}

  std::string exit_cause(cohort::Pid, cohort::WorkerConfig& config) override {
    const int* rank = std::any_cast<int>(&config.userdata);
    return rank == nullptr || config.leaving ? ""
                                             : "rank " + std::to_string(*rank) + " has ended; its launcher knows how";
  }

 private:
  // With a token for each of the others, of which is known who uses it.
  void write_join_file(int size) {
    cohort::JoinFile join = door_->join_file(0, {});
    for (int rank = 1; rank < size; ++rank) join.tokens.push_back(door_->join_file(1, rank).tokens.at(0));
    if (size > 1) written_ = join.write(file_);
  }

  void remove_join_file() {
    if (written_) cohort::JoinFile::remove(file_, written_);
    written_.reset();
  }

  void wait(const cohort::LaunchedProcess& process, cohort::batch::InOrder& workers,
            const cohort::LaunchParams& params) {
    // They are passed on at the end, which must be before the core gives up.
    const auto deadline = cohort::deadline_after(params.timeout);
    if (params.timeout < cohort::never - margin) workers.extend(deadline + margin);
    const auto told = std::min(deadline, cohort::deadline_after(not_worth_telling));
    if (door_->wait(params.stop, told) == 0 || params.stop.stop_requested()) return;
    cohort::batch::say("rank 0 waits for " + cohort::batch::list_of(workers.absent(process.size)) + " of " +
                       std::to_string(process.size) + " at " + file_.string());
    door_->wait(params.stop, deadline);
  }

  const std::filesystem::path directory_;
  const std::string name_, listen_;
  // Of launch(), which has one call that does something.
  std::filesystem::path file_;
  cohort::FileDescriptor written_;  // the join file; open while it is in use
  std::unique_ptr<cohort::batch::Door> door_;
  std::optional<cohort_launched::LauncherWatch> watch_;
};

}  // namespace

COHORT_CLUSTER_MANAGER("launched", LaunchedManager, "0.1.0", launched_options)
