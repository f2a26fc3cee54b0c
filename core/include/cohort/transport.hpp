#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <cohort/io_pair.hpp>
#include <cohort/options.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// Accepts connections. Closed by its destructor.
class Listener {
 public:
  virtual ~Listener();
  /// What a peer dials, in the transport's own form ("127.0.0.1:9123"). One line of printable text.
  virtual std::string address() const = 0;
  /// The next waiting connection, or nullopt. Never blocks. Loop thread.
  virtual std::optional<IoPair> accept() = 0;
  /// The descriptor to poll, or -1.
  virtual int descriptor() const { return -1; }
  /// For listeners without a descriptor: call `ready` when accept() is worth a try. Any thread; must not block.
  virtual void on_acceptable(std::function<void()> ready);
};

/// Moves bytes between processes. Authentication, framing, limits and liveness are the core's.
/// Streams must be complete and in order; nothing else is assumed.
class Transport {
 public:
  virtual ~Transport();
  /// @param bind "" for the default, else "address", "address:port" or the transport's own form.
  virtual std::unique_ptr<Listener> listen(const std::string& bind) = 0;
  /// Dials what a listener's address() said. May block until `deadline`; plugin threads only.
  /// @throws Error with the address and the cause.
  virtual IoPair connect(const std::string& address, Clock::time_point deadline) = 0;
  /// 32 bytes that all processes of the cluster share and nobody else knows, for transports that encrypt. Derived from
  /// the cookie, which cannot be found from them. Called before the first listen() and connect(), and again when the
  /// cookie changes. The default does nothing.
  virtual void set_secret(std::span<const std::byte> key);
};

/// A transport of its own from a plugin, found, checked and loaded as addprocs() does it. Any thread.
/// @param plugin name, or path with a '/'. @param options JSON object.
/// @throws PluginError, ConfigError.
std::unique_ptr<Transport> load_transport(const std::string& plugin, std::string_view options = "{}");

/// What set_secret() is given in a cluster with this cookie: for managers that dial by a transport of their own.
std::array<std::byte, 32> transport_secret(std::string_view cookie);

}  // namespace cohort
