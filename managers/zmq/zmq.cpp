// Workers on this host that reach each other, and the master, by a ZeroMQ broker: the manager's own, or one that is
// there. What goes over the broker is the transport's; this starts the processes and tells them where it is.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <cohort/detail/mutex.hpp>
#include "../../transports/zmq/broker_address.hpp"

#include "../../transports/zmq/zmq_transport.hpp"
#include "../local/local_manager.hpp"
#include "broker_process.hpp"

namespace {

using cohort::Clock;
using cohort::IoPair;
using cohort::LaunchParams;
using cohort::Pid;
using cohort::WorkerConfig;
using cohort_zmq::BrokerProcess;
using cohort_zmq::ZmqTransport;

constexpr cohort::Option zmq_options[] = {
    COHORT_LOCAL_OPTIONS,
    {"broker", cohort::OptionType::string, nullptr,
     "address of a broker that is there, tcp://HOST:PORT, ipc://PATH or ipc://@NAME (default: one is started for the "
     "cluster)",
     nullptr},
    {"listen", cohort::OptionType::string, "\"tcp://127.0.0.1:*\"", "where a broker that is started listens", nullptr},
    COHORT_ZMQ_KEY_OPTIONS,
};

constexpr std::chrono::seconds broker_start_limit(30);

class ZmqManager final : public cohort_local::LocalManager {
 public:
  explicit ZmqManager(const cohort::Options& options) : LocalManager(options), options_(options) {
    cohort_zmq::check_broker_address(options.string(options.has("broker") ? "broker" : "listen"));
  }

  void launch(const LaunchParams& params, cohort::LaunchQueue& launched) override {
    const std::string broker = set_up(params.cookie);
    LaunchParams over_broker = params;
    // The last flag counts.
    over_broker.exeflags.push_back("--cohort-transport=zmq");
    over_broker.exeflags.push_back("--cohort-transport-options=" + transport_options(broker));
    over_broker.transport_name = "zmq";
    LocalManager::launch(over_broker, launched);
  }

  IoPair connect(Pid pid, WorkerConfig& config, cohort::Transport&, Clock::time_point deadline) override {
    return LocalManager::connect(pid, config, *transport(), deadline);
  }

  // Without the broker all workers end by themselves; what ended them is the cause.
  std::string exit_cause(Pid pid, WorkerConfig& config) override {
    const std::string lost = transport() == nullptr ? "" : transport()->lost();
    if (lost.empty()) return LocalManager::exit_cause(pid, config);
    BrokerProcess* const broker = broker_process();
    const std::string end = broker == nullptr ? "" : broker->end();
    return lost + (end.empty() ? "" : "; its process " + end);
  }

 private:
  // The broker and this process's way to it, once. @return the broker's address.
  std::string set_up(const std::string& cookie) {
    const cohort::detail::MutexLock lock(mutex_);
    if (transport_ != nullptr) return broker_address_;
    const auto secret = cohort::transport_secret(cookie);
    broker_address_ = options_.has("broker") ? options_.string("broker") : start_broker(secret);
    auto transport = std::make_shared<ZmqTransport>(broker_address_, options_);
    transport->set_secret(secret);
    transport_ = std::move(transport);
    return broker_address_;
  }

  std::string start_broker(std::span<const std::byte> secret) COHORT_REQUIRES(mutex_) {
    BrokerProcess::Settings settings{options_.string("listen"), "", ""};
    if (options_.has("key_file")) {
      settings.key_file = options_.string("key_file");
    } else if (options_.boolean("curve")) {
      settings.key_file = "-";
      settings.key = cohort_zmq::key_text(secret);
    }
    broker_ = std::make_unique<BrokerProcess>(settings, cohort::deadline_after(broker_start_limit));
    return broker_->address();
  }

  std::string transport_options(const std::string& broker) const {
    nlohmann::json options{{"broker", broker}};
    if (options_.boolean("curve")) options["curve"] = true;
    if (options_.has("key_file"))
      options["key_file"] = std::filesystem::absolute(options_.string("key_file"));  // workers may be elsewhere
    return options.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  // nullptr: another's. Once there is a transport it stays.
  BrokerProcess* broker_process() {
    const cohort::detail::MutexLock lock(mutex_);
    return broker_.get();
  }

  std::shared_ptr<ZmqTransport> transport() {
    const cohort::detail::MutexLock lock(mutex_);
    return transport_;
  }

  const cohort::Options options_;
  cohort::detail::Mutex mutex_;
  std::string broker_address_ COHORT_GUARDED_BY(mutex_);
  std::unique_ptr<BrokerProcess> broker_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<ZmqTransport> transport_ COHORT_GUARDED_BY(mutex_);  // goes before the broker
};

}  // namespace

COHORT_CLUSTER_MANAGER("zmq", ZmqManager, "0.1.0", zmq_options)
