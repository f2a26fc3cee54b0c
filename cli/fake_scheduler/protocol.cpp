#include "protocol.hpp"

#include <array>
#include <cstring>

#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

constexpr std::size_t head_size = 1 + sizeof(std::uint32_t);

void append_size(std::string& bytes, std::size_t size) {
  const auto value = static_cast<std::uint32_t>(size);
  std::array<char, sizeof value> raw;
  std::memcpy(raw.data(), &value, sizeof value);
  bytes.append(raw.data(), raw.size());
}

std::size_t size_at(std::string_view bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace

std::optional<std::string> Request::variable(std::string_view name) const {
  for (const auto& entry : environment)
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
      return entry.substr(name.size() + 1);
  return std::nullopt;
}

std::string encode(Frame kind, std::string_view payload) {
  std::string bytes(1, static_cast<char>(kind));
  append_size(bytes, payload.size());
  return bytes.append(payload);
}

std::string encode_list(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const auto& text : texts) {
    append_size(bytes, text.size());
    bytes += text;
  }
  return bytes;
}

std::optional<std::vector<std::string>> decode_list(std::string_view payload) {
  std::vector<std::string> texts;
  while (!payload.empty()) {
    if (payload.size() < sizeof(std::uint32_t)) return std::nullopt;
    const auto size = size_at(payload);
    payload.remove_prefix(sizeof(std::uint32_t));
    if (size > payload.size()) return std::nullopt;
    texts.emplace_back(payload.substr(0, size));
    payload.remove_prefix(size);
  }
  return texts;
}

// The directory, the umask, the number of words, the words, the environment.
std::string encode(const Request& request) {
  std::vector<std::string> texts{request.dir, std::to_string(request.umask), std::to_string(request.words.size())};
  texts.insert(texts.end(), request.words.begin(), request.words.end());
  texts.insert(texts.end(), request.environment.begin(), request.environment.end());
  return encode(Frame::request, encode_list(texts));
}

std::optional<Request> decode_request(std::string_view payload) {
  auto texts = decode_list(payload);
  if (!texts || texts->size() < 4) return std::nullopt;
  const auto umask = number((*texts)[1]), words = number((*texts)[2]);
  if (!umask || !words || *words < 1 || *words > static_cast<std::int64_t>(texts->size()) - 3) return std::nullopt;
  Request request;
  request.dir = (*texts)[0];
  request.umask = static_cast<mode_t>(*umask & 0777);
  request.words.assign(texts->begin() + 3, texts->begin() + 3 + *words);
  request.environment.assign(texts->begin() + 3 + *words, texts->end());
  return request;
}

std::optional<FrameReader::Next> FrameReader::next() {
  const std::string_view rest = std::string_view(bytes_).substr(start_);
  if (broken_ || rest.size() < head_size) return std::nullopt;
  const auto size = size_at(rest.substr(1));
  if (size > largest) broken_ = true;
  if (broken_ || rest.size() - head_size < size) return std::nullopt;
  Next frame{static_cast<Frame>(rest[0]), std::string(rest.substr(head_size, size))};
  start_ += head_size + size;
  if (start_ == bytes_.size()) {
    bytes_.clear();
    start_ = 0;
  } else if (start_ > (1 << 16)) {
    bytes_.erase(0, start_);
    start_ = 0;
  }
  return frame;
}

}  // namespace cohort::fake_scheduler
