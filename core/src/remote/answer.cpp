#include "remote/answer.hpp"

#include <exception>
#include <string>
#include <utility>

#include "remote/references.hpp"

namespace cohort {
namespace {

void send_now(References& references, const Answer& answer, SendQueue::Mode mode) {
  references.send(*answer.connection, FrameKind::result, answer.flag, answer.request, *answer.payload, mode);
}

class AnswerTask final : public PoolTask {
 public:
  AnswerTask(std::shared_ptr<References> references, Answer answer)
      : references_(std::move(references)), answer_(std::move(answer)) {}
  void run() noexcept override {
    try {
      send_now(*references_, answer_, SendQueue::Mode::before_wait);
    } catch (const std::exception& error) {
      answer_.connection->close(std::string("an answer could not be sent: ") + error.what());
    }
  }
  void refuse() noexcept override { answer_.connection->close("no thread is left to send an answer"); }

 private:
  const std::shared_ptr<References> references_;
  const Answer answer_;
};

}  // namespace

void send_answer(References& references, Answer answer, SendQueue::Mode mode) {
  if (references.acquiring_waits(answer.payload->references)) {
    references.router().reactor().submit(
        std::make_shared<AnswerTask>(references.shared_from_this(), std::move(answer)));
  } else {
    send_now(references, answer, mode);
  }
}

}  // namespace cohort
