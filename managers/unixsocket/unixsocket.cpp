// Workers on this host that listen on Unix-domain sockets and on nothing else, whatever the cluster's transport. The
// processes are the local manager's, the sockets the transport unix's.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <cohort/plugin.hpp>

namespace {

using cohort::OptionType;
using Json = nlohmann::json;

constexpr cohort::Option unixsocket_options[] = {
    {"count", OptionType::count, "\"auto\"", "number of workers; auto: one per CPU this process may use", nullptr, 0,
     100000},
    {"dir", OptionType::string, nullptr, "working directory of the workers (default: this process's)", nullptr},
    {"env", OptionType::env, "{}", "changes to the environment of the workers; null removes a variable", nullptr},
    {"threads", OptionType::integer, "1", "functions that may run at once on a worker", nullptr, 1, 4096},
    {"socket_dir", OptionType::string, nullptr,
     "directory of the sockets, of mode 0700 (default: cohort-UID in $XDG_RUNTIME_DIR, $TMPDIR or /tmp)", nullptr},
    {"abstract", OptionType::boolean, "false", "use abstract names, which are in no directory", nullptr},
};

std::string local_options(const cohort::Options& options) {
  Json json = Json::parse(options.to_json());
  json.erase("socket_dir");
  json.erase("abstract");
  return json.dump();
}

std::string socket_options(const cohort::Options& options) {
  Json json = {{"abstract", options.boolean("abstract")}};
  if (options.has("socket_dir")) json["dir"] = options.string("socket_dir");
  return json.dump();
}

class UnixSocketManager final : public cohort::ClusterManager {
 public:
  explicit UnixSocketManager(const cohort::Options& options)
      : socket_options_(socket_options(options)),
        sockets_(cohort::load_transport("unix", socket_options_)),
        processes_(cohort::load_manager("local", local_options(options))) {}

  // Of repeated flags the last one counts.
  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    cohort::LaunchParams own = params;
    own.exeflags.emplace_back("--cohort-transport=unix");
    own.exeflags.push_back("--cohort-transport-options=" + socket_options_);
    own.transport = "unix";
    processes_->launch(own, launched);
  }

  cohort::IoPair connect(cohort::Pid pid, cohort::WorkerConfig& config, cohort::Transport&,
                         cohort::Clock::time_point deadline) override {
    return ClusterManager::connect(pid, config, *sockets_, deadline);
  }

  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override {
    processes_->manage(pid, config, op);
  }
  void kill(cohort::Pid pid, cohort::WorkerConfig& config) override { processes_->kill(pid, config); }
  std::string exit_cause(cohort::Pid pid, cohort::WorkerConfig& config) override {
    return processes_->exit_cause(pid, config);
  }

 private:
  const std::string socket_options_;
  // Removes what killed workers left when it goes, hence after them.
  const std::unique_ptr<cohort::Transport> sockets_;
  const std::unique_ptr<cohort::ClusterManager> processes_;
};

}  // namespace

COHORT_CLUSTER_MANAGER("unixsocket", UnixSocketManager, "0.1.0", unixsocket_options)
