#include "zmq_transport.hpp"

#include <cerrno>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/file_access.hpp>

#include "broker_address.hpp"

namespace cohort_zmq {
namespace {

using cohort::Clock;
using cohort::ConfigError;
using cohort::Error;
using cohort::IoPair;

constexpr std::chrono::seconds listen_limit(30);  // to reach the broker

// The halves of a stream keep the hub alive.
class HubReader final : public cohort::Reader {
 public:
  HubReader(std::shared_ptr<Hub> hub, std::unique_ptr<Reader> reader, std::shared_ptr<std::atomic<bool>> broken)
      : hub_(std::move(hub)), broken_(std::move(broken)), reader_(std::move(reader)) {}
  ssize_t read(std::span<std::byte> buffer) override {
    const ssize_t count = reader_->read(buffer);
    return count == 0 && broken_->load() ? -ECONNRESET : count;
  }
  void on_readable(std::function<void()> ready) override { reader_->on_readable(std::move(ready)); }
  void close() override { reader_->close(); }

 private:
  const std::shared_ptr<Hub> hub_;
  const std::shared_ptr<std::atomic<bool>> broken_;
  const std::unique_ptr<Reader> reader_;  // goes before the hub
};

class HubWriter final : public cohort::Writer {
 public:
  HubWriter(std::shared_ptr<Hub> hub, std::unique_ptr<Writer> writer)
      : hub_(std::move(hub)), writer_(std::move(writer)) {}
  ssize_t write(std::span<const iovec> parts) override { return writer_->write(parts); }
  void on_writable(std::function<void()> ready) override { writer_->on_writable(std::move(ready)); }
  void close() override { writer_->close(); }

 private:
  const std::shared_ptr<Hub> hub_;
  const std::unique_ptr<Writer> writer_;  // goes before the hub
};

IoPair to_pair(const std::shared_ptr<Hub>& hub, NodeEnd stream) {
  return {std::make_unique<HubReader>(hub, std::move(stream.pair.reader), std::move(stream.broken)),
          std::make_unique<HubWriter>(hub, std::move(stream.pair.writer))};
}

class ZmqListener final : public cohort::Listener {
 public:
  explicit ZmqListener(std::shared_ptr<Hub> hub) : hub_(std::move(hub)), number_(hub_->add_listener(waiting_)) {}
  ~ZmqListener() override {
    hub_->remove_listener(number_);
    waiting_->close();
  }

  std::string address() const override { return hub_->address(number_); }
  std::optional<IoPair> accept() override {
    auto stream = waiting_->take();
    if (!stream) return std::nullopt;
    return to_pair(hub_, std::move(*stream));
  }
  void on_acceptable(std::function<void()> ready) override { waiting_->on_acceptable(std::move(ready)); }

 private:
  const std::shared_ptr<cohort::AcceptQueue<NodeEnd>> waiting_ = std::make_shared<cohort::AcceptQueue<NodeEnd>>();
  const std::shared_ptr<Hub> hub_;
  const std::uint32_t number_;
};

}  // namespace

ZmqTransport::ZmqTransport(std::string broker, const cohort::Options& options)
    : broker_(std::move(broker)),
      curve_(options.boolean("curve") || options.has("key_file")),
      has_key_file_(options.has("key_file")) {
  check_broker_address(broker_);
  if (has_key_file_) secret_ = read_secret(cohort::expand_home(options.string("key_file")));
}

std::unique_ptr<cohort::Listener> ZmqTransport::listen(const std::string& bind) {
  if (!bind.empty())
    throw ConfigError("cannot listen at '" + cohort::excerpt(bind) +
                      "': the processes of a zmq cluster listen at their broker only");
  return std::make_unique<ZmqListener>(hub(cohort::deadline_after(listen_limit)));
}

IoPair ZmqTransport::connect(const std::string& address, Clock::time_point deadline) {
  if (!parse_address(address))
    throw Error("cannot connect to " + cohort::excerpt(address) + ": the address must be zmq:CLIENT/NUMBER");
  const auto hub = this->hub(deadline);
  return to_pair(hub, hub->dial(address, deadline));
}

void ZmqTransport::set_secret(std::span<const std::byte> key) {
  if (has_key_file_) return;
  const cohort::detail::MutexLock lock(mutex_);
  secret_ = secret_of(key_text(key));
}

std::string ZmqTransport::lost() const {
  const cohort::detail::MutexLock lock(mutex_);
  return hub_ == nullptr ? "" : hub_->lost();
}

// A broker that was lost may have been started again.
std::shared_ptr<Hub> ZmqTransport::hub(Clock::time_point deadline) {
  const cohort::detail::MutexLock one_at_a_time(connecting_);
  BrokerSettings settings{broker_, std::nullopt};
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (hub_ != nullptr && hub_->lost().empty()) return hub_;
    if (curve_ && !secret_) throw Error("zmq: the cluster's key is not known");
    if (curve_) settings.keys.emplace(*secret_);
  }
  std::shared_ptr<Hub> made;
  try {
    made = std::make_shared<Hub>(std::move(settings), deadline);
  } catch (const zmq::error_t& error) {
    throw Error("cannot connect to the zmq broker at " + cohort::excerpt(broker_) + ": " + error.what(),
                cohort::ErrorKind::overloaded);
  }
  const cohort::detail::MutexLock lock(mutex_);
  hub_.swap(made);
  return hub_;
}

}  // namespace cohort_zmq
