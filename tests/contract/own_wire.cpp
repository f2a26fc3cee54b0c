#include "own_wire.hpp"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <any>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <cohort/child_process.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/worker.hpp>

#include "../cluster/own_wire.hpp"

namespace cohort::contract {
namespace {

using namespace std::chrono_literals;

using test::unix_socket;

class OwnWireManager final : public ClusterManager {
 public:
  explicit OwnWireManager(int count) : count_(count) {
    std::string made = std::filesystem::temp_directory_path() / "cohort-wire.XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) throw std::system_error(errno, std::generic_category(), made);
    directory_ = std::move(made);
  }
  OwnWireManager() = default;  // on a worker, where it only connects
  ~OwnWireManager() override {
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    for (int i = 0; i < count_; i++) {
      if (params.stop.stop_requested()) return launched.fail("the launch was stopped", count_ - i);
      SpawnOptions spawn;
      spawn.command = {params.exename, own_wire_flag, directory_ + '/' + std::to_string(made_++)};
      spawn.command.insert(spawn.command.end(), params.exeflags.begin(), params.exeflags.end());
      spawn.dir = params.dir;
      spawn.input = params.cookie + '\n';
      try {
        auto process = std::make_shared<ChildProcess>(ChildProcess::spawn(spawn));
        WorkerConfig config;
        config.io = WorkerOutput{process->take_out(), process->take_err()};  // it says there when it listens
        config.ospid = process->pid();
        config.userdata = std::move(process);
        launched.push(std::move(config));
      } catch (const Error& error) {
        launched.fail(error.what(), 1);
      }
    }
  }
  IoPair connect(Pid, WorkerConfig& config, Transport&, Clock::time_point) override {
    return make_socket_pair(unix_socket(config.connect_at, false).release());
  }
  void manage(Pid, WorkerConfig& config, ManageOp op) override {
    const auto process = process_of(config);
    if (process == nullptr) return;
    if (op == ManageOp::interrupt) process->signal(SIGINT);
    if (op != ManageOp::finalize) return;
    process->terminate(2s, 2s);
    config.userdata.reset();
  }
  void kill(Pid, WorkerConfig& config) override {
    if (const auto process = process_of(config)) process->terminate(2s, 2s);
  }
  std::string exit_cause(Pid, WorkerConfig& config) override {
    const auto process = process_of(config);
    const auto status = process == nullptr ? std::nullopt : process->wait_until(deadline_after(1s));
    return status ? status->text() : "";
  }

 private:
  static std::shared_ptr<ChildProcess> process_of(const WorkerConfig& config) {
    const auto* process = std::any_cast<std::shared_ptr<ChildProcess>>(&config.userdata);
    return process == nullptr ? nullptr : *process;
  }
  const int count_ = 0;
  int made_ = 0;
  std::string directory_;
};

}  // namespace

std::unique_ptr<ClusterManager> make_own_wire_manager(int count) { return std::make_unique<OwnWireManager>(count); }

int serve_by_own_wire(const char* path) {
  std::string cookie;
  std::getline(std::cin, cookie);
  const FileDescriptor listener = unix_socket(path, true);
  init_worker({.cookie = cookie, .manager = std::make_shared<OwnWireManager>()});
  std::jthread accepts([&] {
    for (int socket; (socket = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      try {
        process_messages(make_socket_pair(socket));
      } catch (const Error&) {  // it is a worker no longer
      }
    }
  });
  std::printf("cohort_worker:0#%s\n", path);
  std::fflush(stdout);
  const int status = serve();
  ::shutdown(listener.get(), SHUT_RDWR);
  return status;
}

}  // namespace cohort::contract
