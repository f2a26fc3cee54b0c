// gRPC by TCP: unary calls. The blocking server is its faster one for a round trip, that with callbacks for many calls.

#include <grpcpp/grpcpp.h>

#include <memory>

#include "echo.grpc.pb.h"
#include "serve.hpp"

namespace {

class Blocking final : public BlockingEcho::Service {
  grpc::Status Echo(grpc::ServerContext*, const Bytes* request, Bytes* reply) override {
    reply->set_data(request->data());
    return grpc::Status::OK;
  }
  grpc::Status Size(grpc::ServerContext*, const Bytes* request, Number* reply) override {
    reply->set_number(std::int64_t(request->data().size() / sizeof(double)));
    return grpc::Status::OK;
  }
};

class Callback final : public CallbackEcho::CallbackService {
  grpc::ServerUnaryReactor* NoOp(grpc::CallbackServerContext* context, const Number* request, Number* reply) override {
    reply->set_number(request->number());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

struct OpenCall {
  grpc::ClientContext context;
  Number reply;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Number>> reader;
};

void run_server(const std::function<void(int)>& announce) {
  Blocking blocking;
  Callback callback;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&blocking);
  builder.RegisterService(&callback);
  const auto server = builder.BuildAndStart();
  announce(port);
  server->Wait();
}

}  // namespace

int main() {
  const int port = peers::fork_server(1, [](auto announce) { run_server(announce); })[0];
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  const auto channel =
      grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
  const auto blocking = BlockingEcho::NewStub(channel);
  const auto callback = CallbackEcho::NewStub(channel);
  const std::string message(64, 'x');
  const std::vector<double> values(peers::bulk_doubles, 1.0);
  grpc::CompletionQueue queue;

  return peers::serve({{"round_trip",
                        [&](int n) {
                          Bytes request, reply;
                          request.set_data(message);
                          return peers::times_of(n, [&] {
                            grpc::ClientContext context;
                            if (!blocking->Echo(&context, request, &reply).ok()) std::exit(1);
                          });
                        }},
                       {"calls",
                        [&](int n) {
                          Number request;
                          request.set_number(1);
                          return peers::pipelined(
                              n,
                              [&] {
                                auto* call = new OpenCall;
                                call->reader = callback->AsyncNoOp(&call->context, request, &queue);
                                call->reader->Finish(&call->reply, &call->status, call);
                                return true;
                              },
                              [&](bool) {  // any that is done, which is what its queue is made for
                                void* call = nullptr;
                                bool done = false;
                                queue.Next(&call, &done);
                                delete static_cast<OpenCall*>(call);
                              });
                        }},
                       {"bulk", [&](int n) {
                          return peers::times_of(n, [&] {
                            grpc::ClientContext context;
                            Bytes request;
                            Number reply;
                            request.set_data(values.data(), values.size() * sizeof(double));
                            if (!blocking->Size(&context, request, &reply).ok()) std::exit(1);
                          });
                        }}});
}
