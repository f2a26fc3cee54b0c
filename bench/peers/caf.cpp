// CAF, the C++ Actor Framework 0.17, by TCP. With the argument "sharing" its scheduler has one queue for all threads;
// by default (work stealing) idle threads look for work at intervals.

#include <array>
#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "serve.hpp"

namespace {

struct Config : caf::actor_system_config {
  explicit Config(bool sharing) {
    load<caf::io::middleman>();
    if (sharing) set("scheduler.policy", caf::atom("sharing"));
  }
};

caf::behavior echo(caf::event_based_actor*) {
  return {[](const std::string& text) { return text; }, [](std::int32_t number) { return number; }};
}

void run_server(bool sharing, const std::function<void(int)>& announce) {
  Config config(sharing);
  caf::actor_system system(config);
  const auto port = system.middleman().publish(system.spawn(echo), 0, "127.0.0.1");
  if (!port) return;
  announce(*port);
  system.await_all_actors_done();
}

}  // namespace

int main(int argc, char** argv) {
  const bool sharing = argc > 1 && argv[1] == std::string("sharing");
  const int port = peers::fork_server(1, [&](auto announce) { run_server(sharing, announce); })[0];
  Config config(sharing);
  caf::actor_system system(config);
  const auto server = system.middleman().remote_actor("127.0.0.1", std::uint16_t(port));
  if (!server) {
    std::cout << "cannot connect" << std::endl;
    return 1;
  }
  caf::scoped_actor self(system);
  const std::string message(64, 'x');
  const auto give_up = [](const caf::error&) { std::exit(1); };
  const auto begin = [&] { return self->request(*server, caf::infinite, std::int32_t(1)); };
  const int result = peers::serve(
      {{"round_trip",
        [&](int n) {
          return peers::times_of(
              n, [&] { self->request(*server, caf::infinite, message).receive([](const std::string&) {}, give_up); });
        }},
       {"calls", [&](int n) {
          return peers::pipelined(n, begin, [&](auto& call) { call.receive([](std::int32_t) {}, give_up); });
        }}});
  _exit(result);  // its threads wait for actors of the other process, which ends with this one
}
