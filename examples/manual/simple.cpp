// Workers with a wire of the program's own: Unix sockets, without a transport plugin. It is the manual's example
// clustermanager/simple.
//
//   simple WORKERS
//
// The master starts this program again for each worker, and passes it the path of a socket. A worker listens there, and
// hands every connection that it accepts to process_messages(); connect(), which connects to such a path, runs on the
// master and on each worker.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <cohort/child_process.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/cohort.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/worker.hpp>

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) throw std::length_error("too long for a Unix socket: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

cohort::FileDescriptor unix_socket() {
  cohort::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return socket;
}

class SimpleManager final : public cohort::ClusterManager {
 public:
  /// @param count 0: this is a worker, which only connects.
  explicit SimpleManager(int count) : count_(count) {
    char directory[] = "/tmp/simple.XXXXXX";
    if (count_ > 0 && mkdtemp(directory) != nullptr) directory_ = directory;
  }
  ~SimpleManager() override {
    for (int i = 0; i < count_; i++) unlink(path_of(i).c_str());
    if (!directory_.empty()) rmdir(directory_.c_str());
  }

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    for (int i = 0; i < count_; i++) {
      cohort::SpawnOptions spawn;
      spawn.command = {params.exename, "--worker", path_of(i)};
      spawn.input = params.cookie + '\n';
      spawn.capture = false;
      cohort::WorkerConfig config;
      config.connect_at = path_of(i);
      config.userdata = std::make_shared<cohort::ChildProcess>(cohort::ChildProcess::spawn(spawn));
      launched.push(std::move(config));
    }
  }

  void manage(cohort::Pid pid, cohort::WorkerConfig& config, cohort::ManageOp op) override {
    if (op == cohort::ManageOp::finalize) kill(pid, config);
  }

  void kill(cohort::Pid, cohort::WorkerConfig& config) override {
    using namespace std::chrono_literals;
    if (const auto* process = std::any_cast<std::shared_ptr<cohort::ChildProcess>>(&config.userdata))
      (*process)->terminate(2s, 2s);
  }

  // On the master and on each worker. The other side may not listen yet.
  cohort::IoPair connect(cohort::Pid, cohort::WorkerConfig& config, cohort::Transport&,
                         cohort::Clock::time_point deadline) override {
    const sockaddr_un address = address_of(config.connect_at);
    for (;;) {
      auto socket = unix_socket();
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return cohort::make_socket_pair(socket.release());
      if (cohort::Clock::now() > deadline)
        throw std::system_error(errno, std::generic_category(), "connect to " + config.connect_at);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

 private:
  std::string path_of(int worker) const { return directory_ + "/" + std::to_string(worker); }

  const int count_;
  std::string directory_;
};

int serve_as_worker(const std::string& path) {
  std::string cookie;
  std::getline(std::cin, cookie);
  const auto listener = unix_socket();
  const sockaddr_un address = address_of(path);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0)
    throw std::system_error(errno, std::generic_category(), "listen at " + path);

  cohort::init_worker({.cookie = cookie, .manager = std::make_shared<SimpleManager>(0)});
  std::thread acceptor([&listener] {
    try {
      for (int socket; (socket = accept(listener.get(), nullptr, nullptr)) >= 0;)
        cohort::process_messages(cohort::make_socket_pair(socket));
    } catch (const cohort::Error&) {  // this process is a worker no longer
    }
  });
  const int code = cohort::serve();
  shutdown(listener.get(), SHUT_RDWR);  // ends accept()
  acceptor.join();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string(argv[1]) == "--worker") return serve_as_worker(argv[2]);
    cohort::Session session(argc, argv);
    const auto pids = cohort::addprocs(std::make_shared<SimpleManager>(argc > 1 ? std::atoi(argv[1]) : 2));
    for (const auto pid : pids) {
      // Each worker asks the one before it, so that they connect to each other.
      const auto other = pid == pids.front() ? pids.back() : pid - 1;
      std::printf("worker %d was asked by worker %d\n",
                  cohort::remotecall_fetch(
                      [](cohort::Pid asked) { return cohort::remotecall_fetch([] { return cohort::myid(); }, asked); },
                      other, pid),
                  other);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simple: %s\n", error.what());
    return 1;
  }
}
