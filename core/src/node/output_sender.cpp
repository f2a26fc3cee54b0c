#include "node/output_sender.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "node/callback_request.hpp"
#include "node/messages.hpp"

namespace cohort {

OutputSender::OutputSender(Reactor& reactor, std::shared_ptr<Connection> master)
    : reactor_(reactor), master_(std::move(master)) {
  streams_[0].flag = output_out;
  streams_[1].flag = output_err;
  for (Stream& stream : streams_) watch(stream);
}

OutputSender::~OutputSender() { *self_ = nullptr; }

void OutputSender::watch(Stream& stream) {
  stream.watcher.watch(reactor_, output_.descriptor(stream.flag), true, false,
                       [this, &stream](bool, bool) { send_next(stream); });
}

void OutputSender::send_next(Stream& stream) {
  const auto piece = output_.read_piece(stream.flag);
  if (piece.empty()) {  // nothing is there
    if (done_ == nullptr) return;
    stream.watcher.stop();
    stream.empty = true;
    if (streams_[0].empty && streams_[1].empty) std::exchange(done_, nullptr)();
    return;
  }
  stream.watcher.stop();
  stream.under_way = true;
  const auto go_on = [self = self_, &stream] {
    if (*self == nullptr) return;
    stream.under_way = false;
    (*self)->output_.piece_has_arrived(stream.flag);
    if ((*self)->done_ == nullptr)
      (*self)->watch(stream);
    else
      (*self)->send_next(stream);
  };
  // If the master is lost, this object is soon gone.
  auto answer = std::make_shared<CallbackRequest>(
      reactor_, [go_on](Frame&&) { go_on(); }, [](const std::string&) {});
  const auto id = master_->requests().add(answer);
  if (!id) return;
  Payload payload;
  payload.body.append(piece.data(), piece.size());
  master_->send(FrameKind::output, stream.flag, *id, payload, SendQueue::Mode::now);
}

void OutputSender::finish(std::function<void()> done) {
  output_.restore();
  done_ = std::move(done);
  for (Stream& stream : streams_)
    if (!stream.under_way) send_next(stream);
}

}  // namespace cohort
