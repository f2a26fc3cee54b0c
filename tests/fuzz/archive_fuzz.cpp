#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <cohort/archive.hpp>

#include "wire/segment_pool.hpp"
#include "zoo.hpp"

// First byte: which type; second: how many bytes of the end (in units of 1 KiB) are a segment; the rest is the body.
// Whatever is accepted must be written again as the same bytes, except where a type forgets (hash order, Silent).

namespace {

using namespace cohort;

template <class T>
void read(const Payload& payload, bool exact) {
  try {
    const T value = decode<T>(payload);
    if (exact && !(encode(value).body == payload.body)) std::abort();
  } catch (const BadMessage&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint8_t type = data[0];
  const std::size_t segment = std::size_t{data[1]} * 1024;
  const auto rest = std::as_bytes(std::span(data + 2, size - 2));
  const std::size_t body = segment <= rest.size() ? rest.size() - segment : rest.size();
  Payload payload;
  payload.body = Bytes(rest.first(body));
  if (body < rest.size()) payload.segments.push_back(copy_segment(rest.subspan(body)));

  switch (type % 8) {
    case 0:
      return read<zoo::Everything>(payload, false), 0;
    case 1:
      return read<std::vector<std::vector<std::string>>>(payload, true), 0;
    case 2:
      return read<zoo::Tree>(payload, true), 0;
    case 3:
      return read<zoo::Chain>(payload, true), 0;
    case 4:
      return read<zoo::Bulk>(payload, false), 0;
    case 5:
      return read<std::map<std::string, std::variant<bool, std::vector<bool>, std::optional<zoo::Person>>>>(payload,
                                                                                                            false),
             0;
    case 6:
      return read<std::list<zoo::Silent>>(payload, false), 0;
    default:
      return read<std::unordered_map<int, Array<std::uint64_t>>>(payload, false), 0;
  }
}
