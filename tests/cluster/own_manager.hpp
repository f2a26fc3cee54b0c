#pragma once

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>
#include <cohort/plugin.hpp>

namespace cohort::test {

/// Starts one worker that it does not end, and keeps its output. Its program and its cookie may be others'.
class OwnManager final : public ClusterManager {
 public:
  struct Settings {
    std::optional<std::string> program, cookie;
    std::string timeout = "60";  ///< seconds that the worker waits for a master
    std::string ident;
    std::vector<std::string> connect_idents;
  };
  explicit OwnManager(Settings settings) : settings_(std::move(settings)) {}

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    SpawnOptions spawn;
    spawn.command = {settings_.program.value_or(params.exename)};
    for (const auto& flag : params.exeflags) {
      // So that another program comes as far as the handshake.
      if (!settings_.program || !flag.starts_with("--cohort-build=")) spawn.command.push_back(flag);
    }
    spawn.env["COHORT_WORKER_TIMEOUT"] = settings_.timeout;
    spawn.input = settings_.cookie.value_or(params.cookie) + '\n';
    child_.emplace(ChildProcess::spawn(spawn));
    const std::string line = read_until(child_->out(), "\n");  // "cohort_worker:<port>#<address>"
    const auto colon = line.find(':'), hash = line.find('#');
    if (hash == line.npos) throw Error("the worker said '" + line + "'");
    WorkerConfig config;
    config.port = std::stoi(line.substr(colon + 1, hash - colon - 1));
    (config.port == 0 ? config.connect_at : config.host) = line.substr(hash + 1, line.find('\n') - hash - 1);
    config.ident = settings_.ident;
    config.connect_idents = settings_.connect_idents;
    port_ = config.port;
    launched.push(std::move(config));
  }
  void manage(Pid, WorkerConfig&, ManageOp) override {}

  int port() const { return port_; }
  ChildProcess& child() { return *child_; }
  /// What it says on standard error, up to `end`. @throws Error if that does not come.
  std::string error_output(const std::string& end) { return read_until(child_->err(), end); }

 private:
  static std::string read_until(int descriptor, const std::string& end) {
    std::string text;
    const auto deadline = deadline_after(std::chrono::seconds(20));
    while (text.find(end) == text.npos) {
      pollfd input{descriptor, POLLIN, 0};
      if (poll(&input, 1, poll_timeout(deadline)) <= 0) throw Error("no '" + end + "' in '" + text + "'");
      char buffer[1024];
      const ssize_t n = read(descriptor, buffer, sizeof buffer);
      if (n <= 0) throw Error("ended without '" + end + "': '" + text + "'");
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }

  const Settings settings_;
  std::optional<ChildProcess> child_;
  int port_ = 0;
};

}  // namespace cohort::test
