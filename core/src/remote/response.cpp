#include "remote/response.hpp"

#include <utility>

#include <cohort/error.hpp>

#include "remote/exception_codec.hpp"
#include "remote/references.hpp"

namespace cohort {
namespace {

class ResponseTask final : public PoolTask {
 public:
  ResponseTask(std::shared_ptr<References> references, Response answer)
      : references_(std::move(references)), response_(std::move(answer)) {}
  void run() noexcept override {
    send_response_now(*references_, response_.connection, response_.request, response_.flag, *response_.payload,
                      SendQueue::Mode::before_wait);
  }
  void refuse() noexcept override {
    const Error error("no thread is left to send an answer", ErrorKind::overloaded);
    send_failure(*references_, response_.connection, response_.request, std::make_exception_ptr(error),
                 SendQueue::Mode::before_wait);
  }

 private:
  const std::shared_ptr<References> references_;
  const Response response_;
};

}  // namespace

void send_failure(References& references, const std::shared_ptr<Connection>& connection, std::uint64_t request,
                  const std::exception_ptr& failure, SendQueue::Mode mode) noexcept {
  try {
    connection->send(FrameKind::result, result_exception, request,
                     encode_exception(failure, references.router().self()), mode);
  } catch (...) {
    guard_loop([&] { connection->close("an answer could not be sent: " + message_of(std::current_exception())); });
  }
}

std::shared_ptr<Completion> send_response_now(References& references, const std::shared_ptr<Connection>& connection,
                                              std::uint64_t request, std::uint8_t flag, const Payload& payload,
                                              SendQueue::Mode mode) noexcept {
  try {
    return references.send(*connection, FrameKind::result, flag, request, payload, mode);
  } catch (...) {
    send_failure(references, connection, request, std::current_exception(), mode);
  }
  return nullptr;
}

void send_response(References& references, Response answer, SendQueue::Mode mode) noexcept {
  try {
    if (references.acquiring_waits(answer.payload->references)) {
      auto task = std::make_shared<ResponseTask>(references.shared_from_this(), answer);
      return references.router().reactor().submit(std::move(task));
    }
  } catch (...) {
    return send_failure(references, answer.connection, answer.request, std::current_exception(), mode);
  }
  send_response_now(references, answer.connection, answer.request, answer.flag, *answer.payload, mode);
}

}  // namespace cohort
