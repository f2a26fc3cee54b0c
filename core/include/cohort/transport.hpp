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
#include <cohort/option_values.hpp>
#include <cohort/options.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// Accepts connections. The destructor closes it.
class Listener {
 public:
  virtual ~Listener();
  /// The address to which peers connect, in the transport's own form ("127.0.0.1:9123"). One line of printable text.
  virtual std::string address() const = 0;
  /// Returns the next waiting connection, or nullopt. Never blocks. Called on the thread of the event loop.
  virtual std::optional<IoPair> accept() = 0;
  /// The descriptor to poll, or -1.
  virtual int descriptor() const { return -1; }
  /// For listeners without a descriptor: call `ready`, on any thread, when accept() may succeed. It must not block.
  virtual void on_acceptable(std::function<void()> ready);
};

/// Moves bytes between processes. The core does authentication, framing, limits and liveness.
/// A stream must deliver all bytes in order; the core assumes nothing else.
class Transport {
 public:
  virtual ~Transport();
  /// Starts to listen. @param bind "" for the default, else "address", "address:port" or the transport's own form.
  virtual std::unique_ptr<Listener> listen(const std::string& bind) = 0;
  /// Connects to the address() of a listener. May block until `deadline`; called on plugin threads only.
  /// @throws Error with the address and the cause; of the kind ErrorKind::disconnected if nobody listens there, so that
  /// callers know that another attempt may help.
  virtual IoPair connect(const std::string& address, Clock::time_point deadline) = 0;
  /// For transports that encrypt: called with 32 bytes that all processes of the cluster share and nobody else knows.
  /// They are derived from the cookie, but the cookie cannot be derived from them. Called before the first listen() and
  /// connect(), and again when the cookie changes. The default does nothing.
  virtual void set_secret(std::span<const std::byte> key);
};

/// Creates a transport from a plugin, found, checked and loaded as by addprocs(). May be called from any thread.
/// @param plugin name, or path with a '/'.
/// @throws PluginError, ConfigError.
std::unique_ptr<Transport> load_transport(const std::string& plugin, const OptionValues& options = {});

/// Returns the key that set_secret() gets in a cluster with this cookie: for managers with a transport of their own.
std::array<std::byte, 32> transport_secret(std::string_view cookie);

}  // namespace cohort
