#include "broker_process.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort_zmq {
namespace {

using namespace std::chrono_literals;
using cohort::ChildProcess;
using cohort::Clock;

// Beside the plugin that this is a part of.
std::string broker_program() {
  Dl_info plugin{};
  if (::dladdr(reinterpret_cast<const void*>(&broker_program), &plugin) == 0 || plugin.dli_fname == nullptr)
    throw cohort::Error("zmq: cannot find out where this plugin lies");
  return std::filesystem::path(plugin.dli_fname).parent_path() / "cohort-zmq-broker";
}

ChildProcess start(const BrokerProcess::Settings& settings) {
  cohort::SpawnOptions spawn;
  spawn.command = {broker_program(), "--listen=" + settings.listen};
  if (!settings.key_file.empty()) spawn.command.push_back("--key-file=" + settings.key_file);
  spawn.input = settings.key;
  spawn.die_with_parent = true;
  return ChildProcess::spawn(spawn);
}

// Up to the end of the first line, or the end.
std::string read_line(int descriptor, Clock::time_point deadline) {
  std::string line;
  char next = 0;
  for (pollfd input{descriptor, POLLIN, 0}; ::poll(&input, 1, cohort::poll_timeout(deadline)) > 0;) {
    if (::read(descriptor, &next, 1) != 1 || next == '\n') break;
    line += next;
  }
  return line;
}

}  // namespace

BrokerProcess::BrokerProcess(const Settings& settings, Clock::time_point deadline) : process_(start(settings)) {
  address_ = read_line(process_.out(), deadline);
  if (address_.empty()) {
    const std::string said = read_line(process_.err(), deadline);
    throw cohort::Error("the zmq broker did not come up" + (said.empty() ? ", and did not say why" : ": " + said));
  }
  file_.watch(address_);
  // Nobody reads on: what it says of strangers is for those who run one by themselves.
  cohort::FileDescriptor(process_.take_out()).reset();
  cohort::FileDescriptor(process_.take_err()).reset();
}

BrokerProcess::~BrokerProcess() { process_.terminate(2s, 2s); }

std::string BrokerProcess::end() {
  const cohort::detail::MutexLock lock(mutex_);
  const auto status = process_.wait_until(Clock::now() + 1s);
  return status ? status->text() : "";
}

}  // namespace cohort_zmq
