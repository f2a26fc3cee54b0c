// ZeroMQ by TCP: REQ and REP for round trips, DEALER and ROUTER for many open messages.

#include <array>
#include <zmq.hpp>

#include "serve.hpp"

namespace {

int port_of(const zmq::socket_t& socket) {
  const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  return std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
}

// Answers 64 bytes or less with the same, and more with 8 bytes.
void answer(zmq::socket_t& socket) {
  zmq::message_t part, reply;
  do {
    if (!socket.recv(part)) return;
    if (part.size() <= 64)
      reply.copy(part);
    else
      reply.rebuild(sizeof(std::size_t));
    socket.send(reply, part.more() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  } while (part.more());
}

void run_server(const std::function<void(int)>& announce) {
  zmq::context_t context;
  zmq::socket_t rep(context, zmq::socket_type::rep), router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::sndhwm, 0);
  router.set(zmq::sockopt::rcvhwm, 0);
  rep.bind("tcp://127.0.0.1:*");
  router.bind("tcp://127.0.0.1:*");
  announce(port_of(rep));
  announce(port_of(router));
  zmq::pollitem_t items[] = {{rep, 0, ZMQ_POLLIN, 0}, {router, 0, ZMQ_POLLIN, 0}};
  for (;;) {
    zmq::poll(items, 2);
    if (items[0].revents) answer(rep);
    while (items[1].revents && (router.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) answer(router);
  }
}

}  // namespace

int main() {
  const auto ports = peers::fork_server(2, [](auto announce) { run_server(announce); });
  zmq::context_t context;
  zmq::socket_t req(context, zmq::socket_type::req), dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::sndhwm, 0);
  dealer.set(zmq::sockopt::rcvhwm, 0);
  req.connect("tcp://127.0.0.1:" + std::to_string(ports[0]));
  dealer.connect("tcp://127.0.0.1:" + std::to_string(ports[1]));
  std::array<char, 64> message{};
  const std::vector<double> values(peers::bulk_doubles, 1.0);
  zmq::message_t reply;
  const auto ask = [&](zmq::const_buffer data) {
    req.send(data);
    std::ignore = req.recv(reply);
  };
  const auto ask_without_copy = [&] {
    zmq::message_t borrowed(const_cast<double*>(values.data()), values.size() * sizeof(double), [](void*, void*) {});
    req.send(borrowed, zmq::send_flags::none);
    std::ignore = req.recv(reply);
  };
  int number = 0;
  return peers::serve({{"round_trip", [&](int n) { return peers::times_of(n, [&] { ask(zmq::buffer(message)); }); }},
                       {"calls",
                        [&](int n) {
                          return peers::pipelined(
                              n, [&] { return dealer.send(zmq::buffer(&number, sizeof number)).has_value(); },
                              [&](bool) { std::ignore = dealer.recv(reply); });
                        }},
                       {"bulk", [&](int n) { return peers::times_of(n, ask_without_copy); }}});
}
