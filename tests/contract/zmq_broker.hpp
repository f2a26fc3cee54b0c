#pragma once

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>

#include "test_programs.hpp"

namespace cohort::contract {

/// A broker for the transport zmq, started as users start it and ended with this object.
class ZmqBroker {
 public:
  /// @param key what its key file holds; empty: it has none. @param listen where.
  explicit ZmqBroker(const std::string& key = "", const std::string& listen = "tcp://127.0.0.1:*") {
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "zmq-broker", "--listen", listen};
    if (!key.empty()) {
      make_key_file(key);
      spawn.command.insert(spawn.command.end(), {"--key-file", key_file_});
    }
    spawn.die_with_parent = true;
    process_.emplace(ChildProcess::spawn(spawn));
    char next = 0;
    for (pollfd out{process_->out(), POLLIN, 0};
         ::poll(&out, 1, 60'000) > 0 && ::read(process_->out(), &next, 1) == 1 && next != '\n';)
      address_ += next;
    if (next != '\n') throw std::runtime_error("the broker did not come up");
  }
  ~ZmqBroker() {
    process_->terminate(std::chrono::seconds(10), std::chrono::seconds(10));
    if (!key_file_.empty()) std::filesystem::remove(key_file_);
  }
  ZmqBroker(const ZmqBroker&) = delete;

  const std::string& address() const { return address_; }
  ChildProcess& process() { return *process_; }
  /// Options of the transport, with its own key or none.
  std::string options() const { return options_with(key_file_); }
  std::string options_with(const std::string& key_file) const {
    return R"({"broker": ")" + address_ + '"' + (key_file.empty() ? "" : R"(, "key_file": ")" + key_file + '"') + '}';
  }

 private:
  void make_key_file(const std::string& key) {
    key_file_ = std::filesystem::temp_directory_path() / "cohort-zmq-key-XXXXXX";
    const int file = ::mkstemp(key_file_.data());  // its mode is 0600
    if (file < 0) throw std::runtime_error("mkstemp");
    ::close(file);
    std::ofstream(key_file_) << key << '\n';
  }

  std::string key_file_;
  std::string address_;
  std::optional<ChildProcess> process_;
};

/// Options for a broker that lives until the end of the test.
inline std::string broker_options(const std::string& key = "") {
  static std::unique_ptr<ZmqBroker> broker;
  broker = std::make_unique<ZmqBroker>(key);
  return broker->options();
}

}  // namespace cohort::contract
