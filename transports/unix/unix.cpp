// Streams over Unix-domain sockets: processes of one user on one host.

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/plugin.hpp>

#include "../common/socket_acceptor.hpp"
#include "../common/unix_socket.hpp"
#include "socket_directory.hpp"

namespace {

using namespace cohort_unix;
using cohort::Clock;
using cohort::Error;
using cohort::FileDescriptor;
using cohort::IoPair;
using cohort::OptionType;
using cohort_sockets::UnixAddress;

constexpr cohort::Option unix_options[] = {
    {"dir", OptionType::string, nullptr,
     "directory of the sockets, of mode 0700 (default: cohort-UID in $XDG_RUNTIME_DIR, $TMPDIR or /tmp)", nullptr},
    {"abstract", OptionType::boolean, "false", "use abstract names, which are in no directory", nullptr},
    {"backlog", OptionType::integer, "1024", "connections that may wait to be accepted", nullptr, 1, 65535},
};

constexpr std::string_view scheme = "unix:";

class UnixListener final : public cohort::Listener {
 public:
  /// @param owned the file, unless the name is abstract.
  UnixListener(FileDescriptor socket, std::string name, std::unique_ptr<SocketName> owned)
      : acceptor_(std::move(socket)), name_(std::move(name)), owned_(std::move(owned)) {}

  std::string address() const override { return std::string(scheme) + name_; }
  int descriptor() const override { return acceptor_.descriptor(); }

  std::optional<IoPair> accept() override {
    FileDescriptor socket = acceptor_.accept();
    if (!socket) return std::nullopt;
    cohort_sockets::check_peer(socket.get(), "refused a connection at " + address());
    return cohort::make_socket_pair(socket.release());
  }

 private:
  cohort_sockets::SocketAcceptor acceptor_;
  const std::string name_;
  const std::unique_ptr<SocketName> owned_;
};

class UnixTransport final : public cohort::Transport {
 public:
  explicit UnixTransport(const cohort::Options& options)
      : directory_(options.has("dir") ? cohort::expand_home(options.string("dir")) : default_directory()),
        abstract_(options.boolean("abstract")),
        backlog_(static_cast<int>(options.integer("backlog"))) {
    if (!directory_.starts_with('/'))
      throw cohort::ConfigError("dir: '" + cohort::excerpt(directory_) + "' is not an absolute path");
  }

  // Workers that were killed removed nothing; the master ends after them.
  ~UnixTransport() override {
    if (!abstract_) clean(directory_);
  }

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    if (!bind.empty())
      throw cohort::ConfigError("cannot listen at '" + cohort::excerpt(bind) +
                                "': Unix sockets get names of their own");
    std::unique_ptr<SocketName> owned;
    if (!abstract_) owned = std::make_unique<SocketName>(directory_);
    const std::string name = owned ? owned->path() : new_abstract_name();
    const std::string what = "cannot listen at " + cohort::excerpt(name);
    FileDescriptor socket = cohort_sockets::listen(UnixAddress(name, what), backlog_, what);
    if (owned) ::chmod(name.c_str(), 0700);  // whatever the umask: who may not write cannot connect
    return std::make_unique<UnixListener>(std::move(socket), name, std::move(owned));
  }

  IoPair connect(const std::string& address, Clock::time_point deadline) override {
    const std::string what = "cannot connect to " + cohort::excerpt(address);
    const std::string name = address.starts_with(scheme) ? address.substr(scheme.size()) : "";
    if (!name.starts_with('/') && !name.starts_with('@'))
      throw Error(what +
                  ": the address must be unix:/path, or unix:@name for an abstract one; does the process there use "
                  "another transport?");
    return cohort::make_socket_pair(cohort_sockets::dial(UnixAddress(name, what), deadline, what).release());
  }

 private:
  static std::string new_abstract_name() {
    static std::atomic<unsigned> last{0};
    return "@cohort-" + std::to_string(::geteuid()) + '-' + std::to_string(::getpid()) + '-' + std::to_string(++last);
  }

  const std::string directory_;
  const bool abstract_;
  const int backlog_;
};

}  // namespace

COHORT_TRANSPORT("unix", UnixTransport, "0.1.0", unix_options)
