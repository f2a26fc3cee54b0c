// Streams over a ZeroMQ broker: processes that only it can reach, and one connection for each however many they talk
// to.

#include "zmq_transport.hpp"

namespace {

constexpr cohort::Option zmq_options[] = {
    {"broker", cohort::OptionType::string, nullptr,
     "address of the broker, as `cohort zmq-broker` prints it: tcp://HOST:PORT, ipc://PATH or ipc://@NAME (required)",
     nullptr},
    COHORT_ZMQ_KEY_OPTIONS,
};

std::string broker_of(const cohort::Options& options) {
  if (!options.has("broker"))
    throw cohort::ConfigError("zmq: the option broker is missing: the address that `cohort zmq-broker` prints");
  return options.string("broker");
}

class Transport final : public cohort_zmq::ZmqTransport {
 public:
  explicit Transport(const cohort::Options& options) : ZmqTransport(broker_of(options), options) {}
};

}  // namespace

COHORT_TRANSPORT("zmq", Transport, "0.1.0", zmq_options)
