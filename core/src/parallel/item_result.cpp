#include "parallel/item_result.hpp"

#include <span>
#include <string>
#include <vector>

#include "membership/router.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"

namespace cohort::detail {

void save_failure(OutArchive& archive, const std::exception_ptr& failure) {
  const Payload encoded = encode_exception(failure, CurrentNode::get().router->self());
  const auto text = [](std::span<const std::byte> bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  std::vector<std::string> parts{text(encoded.body.span())};
  for (const auto& segment : encoded.segments) parts.push_back(text(segment.span()));
  archive(parts);
}

std::exception_ptr load_failure(InArchive& archive) {
  std::vector<std::string> parts;
  archive(parts);
  Payload encoded;
  for (const auto& part : parts) {
    if (&part == &parts.front())
      encoded.body.append(part.data(), part.size());
    else
      encoded.segments.push_back({nullptr, reinterpret_cast<const std::byte*>(part.data()), part.size()});
  }
  return decode_exception(encoded, no_pid);
}

}  // namespace cohort::detail
