// Cap'n Proto RPC by TCP, with its EzRpc classes.

#include <capnp/ez-rpc.h>

#include <array>
#include <memory>

#include "echo.capnp.h"
#include "serve.hpp"

namespace {

const capnp::ReaderOptions no_limit{.traversalLimitInWords = 1ull << 40};  // it refuses 64 MiB otherwise

class EchoServer final : public Echo::Server {
  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }
  kj::Promise<void> noOp(NoOpContext context) override {
    context.getResults().setNumber(context.getParams().getNumber());
    return kj::READY_NOW;
  }
  kj::Promise<void> size(SizeContext context) override {
    context.getResults().setSize(context.getParams().getValues().size());
    return kj::READY_NOW;
  }
};

}  // namespace

int main() {
  const int port = peers::fork_server(1, [](auto announce) {
    capnp::EzRpcServer server(kj::heap<EchoServer>(), "127.0.0.1", 0, no_limit);
    auto& scope = server.getWaitScope();
    announce(int(server.getPort().wait(scope)));
    kj::NEVER_DONE.wait(scope);
  })[0];
  capnp::EzRpcClient client("127.0.0.1", unsigned(port), no_limit);
  auto& scope = client.getWaitScope();
  auto echo = client.getMain<Echo>();
  const std::array<unsigned char, 64> message{};
  const std::vector<double> values(peers::bulk_doubles, 1.0);
  return peers::serve({{"round_trip",
                        [&](int n) {
                          return peers::times_of(n, [&] {
                            auto request = echo.echoRequest();
                            request.setData(kj::arrayPtr(message.data(), message.size()));
                            request.send().wait(scope);
                          });
                        }},
                       {"calls",
                        [&](int n) {
                          using Call = std::unique_ptr<capnp::RemotePromise<Echo::NoOpResults>>;
                          return peers::pipelined(
                              n,
                              [&] {
                                auto request = echo.noOpRequest();
                                request.setNumber(1);
                                return Call(new capnp::RemotePromise<Echo::NoOpResults>(request.send()));
                              },
                              [&](Call& call) { call->wait(scope); });
                        }},
                       {"bulk", [&](int n) {
                          return peers::times_of(n, [&] {
                            auto request = echo.sizeRequest(capnp::MessageSize{peers::bulk_doubles + 100, 0});
                            auto list = request.initValues(unsigned(values.size()));
                            for (unsigned i = 0; i < values.size(); i++) list.set(i, values[i]);
                            request.send().wait(scope);
                          });
                        }}});
}
