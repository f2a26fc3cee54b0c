// Workers on this host that listen on Unix-domain sockets and on nothing else, whatever the cluster's transport. The
// processes are the local manager's, the sockets those of the transport unix.

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <cohort/plugin.hpp>

#include "../local/local_manager.hpp"

namespace {

using cohort::OptionType;

constexpr cohort::Option unixsocket_options[] = {
    COHORT_LOCAL_OPTIONS,
    {"socket_dir", OptionType::string, nullptr,
     "directory of the sockets, of mode 0700 (default: cohort-UID in $XDG_RUNTIME_DIR, $TMPDIR or /tmp)", nullptr},
    {"abstract", OptionType::boolean, "false", "use abstract names, which are in no directory", nullptr},
};

std::string socket_options(const cohort::Options& options) {
  nlohmann::json json = {{"abstract", options.boolean("abstract")}};
  if (options.has("socket_dir")) json["dir"] = options.string("socket_dir");
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class UnixSocketManager final : public cohort_local::LocalManager {
 public:
  explicit UnixSocketManager(const cohort::Options& options)
      : LocalManager(options),
        socket_options_(socket_options(options)),
        sockets_(cohort::load_transport("unix", socket_options_)) {}

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    cohort::LaunchParams over_sockets = params;
    // The last flag counts.
    over_sockets.exeflags.emplace_back("--cohort-transport=unix");
    over_sockets.exeflags.push_back("--cohort-transport-options=" + socket_options_);
    over_sockets.transport_name = "unix";
    LocalManager::launch(over_sockets, launched);
  }

  cohort::IoPair connect(cohort::Pid pid, cohort::WorkerConfig& config, cohort::Transport&,
                         cohort::Clock::time_point deadline) override {
    return LocalManager::connect(pid, config, *sockets_, deadline);
  }

 private:
  const std::string socket_options_;
  const std::unique_ptr<cohort::Transport> sockets_;  // removes what killed workers left when it goes
};

}  // namespace

COHORT_CLUSTER_MANAGER("unixsocket", UnixSocketManager, "0.1.0", unixsocket_options)
