#include "server.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace cohort::fake_scheduler {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

Directory::Directory(const Dialect& dialect) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  path_ = (parent / "cohort-fake.XXXXXX").string();
  if (error || ::mkdtemp(path_.data()) == nullptr)
    throw std::runtime_error("cannot make a directory " + path_ + ": " + std::strerror(errno));
  if ((path_ + "/socket").size() >= sizeof(sockaddr_un::sun_path)) {
    const std::string path = std::exchange(path_, "");
    fs::remove(path, error);
    throw std::runtime_error("the path " + path + " is too long for a Unix socket in it; set TMPDIR to a shorter one");
  }
  const std::string program = fs::read_symlink("/proc/self/exe");
  fs::create_directory(path_ + "/bin");
  for (const auto command : dialect.commands()) {
    const std::string file = path_ + "/bin/" + std::string(command);
    std::ofstream(file) << "#!/bin/sh\nexec " << quoted(program) << " --client=" << quoted(path_) << " " << command
                        << " \"$@\"\n";
    ::chmod(file.c_str(), 0700);
  }
}

Directory::~Directory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Server::Server(uv_loop_t* loop, const std::string& directory, Dialect& dialect, Scheduler& scheduler)
    : loop_(loop), dialect_(dialect), scheduler_(scheduler), listening_(new uv_pipe_t) {
  uv_pipe_init(loop, listening_, 0);
  listening_->data = this;
  const std::string path = directory + "/socket";
  int error = uv_pipe_bind(listening_, path.c_str());
  if (error == 0)
    error = uv_listen(reinterpret_cast<uv_stream_t*>(listening_), 128,
                      [](uv_stream_t* listening, int) { static_cast<Server*>(listening->data)->accept(); });
  if (error != 0) throw std::runtime_error("cannot listen at " + path + ": " + uv_strerror(error));
}

Server::~Server() {
  close();
  for (const auto& call : calls_) call->release();
}

void Server::close() {
  if (listening_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(listening_, nullptr)),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_pipe_t*>(handle); });
}

void Server::accept() {
  Stream* stream = Stream::accept(loop_, reinterpret_cast<uv_stream_t*>(listening_));
  if (stream == nullptr) return;
  const auto call = std::make_shared<Call>(stream);
  calls_.insert(call);
  const std::weak_ptr<Call> weak = call;
  call->begin(
      [this, weak] {
        const auto ready = weak.lock();
        if (!ready) return;
        if (ready->command() == "control") return ready->answer(control(ready->arguments(), scheduler_));
        if (scheduler_.faults().slow.count() == 0) return answer(ready);
        scheduler_.timers().after(scheduler_.faults().slow, [this, ready] { answer(ready); });
      },
      [this, weak] {
        if (const auto gone = weak.lock()) forget(gone);
      });
}

void Server::answer(const std::shared_ptr<Call>& call) {
  try {
    dialect_.answer(call, scheduler_);
  } catch (const std::exception& error) {  // of the standard library: there is no memory, or a text is too long
    call->answer({"", std::string(call->command()) + ": the fake scheduler failed: " + error.what() + "\n", 1});
  }
}

// One of its functions may be what runs.
void Server::forget(const std::shared_ptr<Call>& call) {
  calls_.erase(call);
  scheduler_.timers().after(Milliseconds(0), [call] { call->release(); });
}

}  // namespace cohort::fake_scheduler
