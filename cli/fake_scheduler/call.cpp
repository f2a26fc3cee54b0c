#include "call.hpp"

#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

constexpr std::size_t largest_input = 4 << 20;  // that is read as a whole
constexpr std::size_t part_size = 1 << 20;      // of a text that is sent

}  // namespace

void Call::begin(std::function<void()> ready, std::function<void()> gone) {
  ready_ = std::move(ready);
  server_gone_ = std::move(gone);
  stream_->read([this](std::string_view bytes) {
    const auto self = shared_from_this();
    if (bytes.empty()) return end();
    frames_.add(bytes);
    while (stream_ != nullptr) {
      const auto frame = frames_.next();
      if (!frame) break;
      take(frame->kind, frame->payload);
    }
    if (frames_.broken()) end();
  });
}

void Call::take(Frame kind, const std::string& payload) {
  if (!requested_) {
    auto request = kind == Frame::request ? decode_request(payload) : std::nullopt;
    if (!request) return end();
    request_ = std::move(*request);
    requested_ = true;
    return ready_();
  }
  const auto value = static_cast<int>(number(payload).value_or(0));
  if (kind == Frame::input && input_ && !payload.empty()) input_(payload);
  if (kind == Frame::input_end && input_) std::exchange(input_, nullptr)({});
  if (kind == Frame::signal && signal_) signal_(value);
  if (kind == Frame::command_ended && ended_) std::exchange(ended_, nullptr)(value);
}

void Call::send(Frame kind, std::string_view payload) {
  if (stream_ == nullptr) return;
  for (; payload.size() > part_size; payload.remove_prefix(part_size))
    stream_->write(encode(kind, payload.substr(0, part_size)));
  stream_->write(encode(kind, payload));
}

void Call::exit(int code) {
  gone_ = nullptr;
  send(Frame::exit, std::to_string(code));
  end();
}

void Call::answer(const Answer& answer) {
  if (!answer.out.empty()) out(answer.out);
  if (!answer.err.empty()) err(answer.err);
  exit(answer.code);
}

void Call::read_input(std::function<void(std::string_view)> input) {
  input_ = std::move(input);
  send(Frame::want_input, "");
}

void Call::read_whole_input(std::function<void(std::string)> input) {
  auto whole = std::make_shared<std::string>();
  read_input([this, whole, input = std::move(input)](std::string_view part) {
    if (part.empty()) return input(std::move(*whole));
    whole->append(part);
    if (whole->size() <= largest_input) return;
    err(request_.words[0] + ": the standard input is longer than 4 MiB\n");
    exit(1);
  });
}

void Call::attach(std::function<void(int)> signal) {
  signal_ = std::move(signal);
  send(Frame::attached, "");
}

void Call::run(const std::vector<std::string>& command, const std::vector<std::string>& environment,
               std::function<void(int)> ended) {
  ended_ = std::move(ended);
  std::vector<std::string> texts{std::to_string(command.size())};
  texts.insert(texts.end(), command.begin(), command.end());
  texts.insert(texts.end(), environment.begin(), environment.end());
  send(Frame::run, encode_list(texts));
}

void Call::on_drained(std::function<void()> drained) {
  if (stream_ != nullptr) stream_->on_drained(std::move(drained));
}

void Call::pause_input() {
  if (stream_ != nullptr) stream_->pause();
}

void Call::resume_input() {
  if (stream_ != nullptr) stream_->resume();
}

void Call::end() {
  if (stream_ == nullptr) return;
  const auto self = shared_from_this();
  std::exchange(stream_, nullptr)->close();
  const auto gone = std::exchange(gone_, nullptr);
  const auto server_gone = std::exchange(server_gone_, nullptr);
  if (gone) gone();
  if (server_gone) server_gone();
}

void Call::release() {
  if (stream_ != nullptr) std::exchange(stream_, nullptr)->close();
  ready_ = nullptr;
  input_ = nullptr;
  signal_ = ended_ = nullptr;
}

}  // namespace cohort::fake_scheduler
