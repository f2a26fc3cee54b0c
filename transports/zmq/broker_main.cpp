// The broker as a process: cohort-zmq-broker [--listen ADDRESS] [--key-file FILE]. Started by the manager `zmq` and by
// `cohort zmq-broker`, which says more about it. Prints its address on one line; ends by SIGTERM, SIGINT, SIGQUIT
// or SIGHUP.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "broker.hpp"

namespace {

struct Flags {
  std::string listen = "tcp://127.0.0.1:*";
  std::string key_file;
};

Flags read_flags(int argc, char** argv) {
  constexpr std::string_view listen = "--listen=";
  constexpr std::string_view key_file = "--key-file=";
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag.starts_with(listen))
      flags.listen = flag.substr(listen.size());
    else if (flag.starts_with(key_file))
      flags.key_file = flag.substr(key_file.size());
    else
      throw cohort::ConfigError("unknown argument '" + cohort::excerpt(flag) +
                                "'; there are --listen= and --key-file=");
  }
  return flags;
}

// Blocks them for all threads, those of ZeroMQ included. @return a descriptor that can be read when one came.
cohort::FileDescriptor end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return cohort::FileDescriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

// The manager starts it to be killed with its master; to be told instead leaves time to remove its socket.
void end_in_order_with_parent() {
  int signal = 0;
  if (::prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto stop = end_signals();
    end_in_order_with_parent();
    const Flags flags = read_flags(argc, argv);
    std::optional<cohort_zmq::CurveKeys> keys;
    if (!flags.key_file.empty()) keys.emplace(cohort_zmq::read_secret(flags.key_file));
    cohort_zmq::Broker broker(flags.listen, std::move(keys));
    if (std::printf("%s\n", broker.address().c_str()) < 0 || std::fflush(stdout) != 0)
      throw cohort::Error("cannot write its address to standard output: " + std::generic_category().message(errno));
    broker.serve(stop.get());
    return 0;
  } catch (const cohort::ConfigError& error) {
    std::fprintf(stderr, "cohort: %s\n", error.what());
    return 3;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cohort: %s\n", error.what());
    return 1;
  }
}
