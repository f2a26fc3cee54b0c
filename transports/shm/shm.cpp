// Streams through shared memory: processes of one user on one host.

#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/plugin.hpp>

#include "../common/ring_offer.hpp"
#include "../common/socket_acceptor.hpp"
#include "../common/unix_socket.hpp"

namespace {

using cohort::FileDescriptor;
using cohort::IoPair;
using cohort_sockets::UnixAddress;

constexpr cohort::Option shm_options[] = {
    {"backlog", cohort::OptionType::integer, "1024", "connections that may wait to be accepted", nullptr, 1, 65535},
};

constexpr std::string_view scheme = "shm:";

/// Abstract names are in no directory, so nothing can be left behind.
std::string new_name() {
  static std::atomic<unsigned> last{0};
  return "@cohort-shm-" + std::to_string(::geteuid()) + '-' + std::to_string(::getpid()) + '-' + std::to_string(++last);
}

class ShmListener final : public cohort::Listener {
 public:
  ShmListener(FileDescriptor socket, std::string name) : acceptor_(std::move(socket)), name_(std::move(name)) {}

  std::string address() const override { return std::string(scheme) + name_; }
  int descriptor() const override { return acceptor_.descriptor(); }

  std::optional<IoPair> accept() override {
    FileDescriptor socket = acceptor_.accept();
    if (!socket) return std::nullopt;
    cohort_sockets::check_peer(socket.get(), "refused a connection at " + address());
    return cohort_shm::offer_rings(std::move(socket));
  }

 private:
  cohort_sockets::SocketAcceptor acceptor_;
  const std::string name_;
};

class ShmTransport final : public cohort::Transport {
 public:
  explicit ShmTransport(const cohort::Options& options) : backlog_(static_cast<int>(options.integer("backlog"))) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    if (!bind.empty())
      throw cohort::ConfigError("cannot listen at '" + cohort::excerpt(bind) +
                                "': listeners in shared memory get names of their own");
    const std::string name = new_name(), what = "cannot listen at " + name;
    return std::make_unique<ShmListener>(cohort_sockets::listen(UnixAddress(name, what), backlog_, what), name);
  }

  IoPair connect(const std::string& address, cohort::Clock::time_point deadline) override {
    const std::string what = "cannot connect to " + cohort::excerpt(address);
    const std::string name = address.starts_with(scheme) ? address.substr(scheme.size()) : "";
    if (!name.starts_with('@'))
      throw cohort::Error(what + ": the address must be shm:@name; does the process there use another transport?");
    return cohort_shm::take_rings(cohort_sockets::dial(UnixAddress(name, what), deadline, what), deadline, what);
  }

 private:
  const int backlog_;
};

}  // namespace

COHORT_TRANSPORT("shm", ShmTransport, "0.1.0", shm_options)
