#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <cohort/error.hpp>

#include "wire/frame.hpp"

// The stream is cut in two ways; both must give the same frames, or the same refusal.
// The first byte of the input says where to cut.

namespace {

using namespace cohort;

struct Result {
  std::string frames;  // all contents, one after the other
  bool refused = false;
  bool idle = false;
};

Result decode(const std::uint8_t* data, std::size_t size, std::size_t piece) {
  Result result;
  FrameDecoder decoder(FrameLimits{1 << 20});
  const auto add = [&result](const void* bytes, std::size_t count) {
    result.frames.append(static_cast<const char*>(bytes), count);
  };
  try {
    while (size > 0) {
      const auto room = decoder.prepare();
      if (room.empty()) std::abort();
      const std::size_t count = std::min({room.size(), size, piece});
      std::memcpy(room.data(), data, count);
      data += count;
      size -= count;
      decoder.commit(count, [&](Frame&& frame) {
        if (frame.body.size() != frame.header.body_size || frame.segments.size() != frame.header.segment_count ||
            frame.references.size() != frame.header.reference_count)
          std::abort();
        add(&frame.header, sizeof(frame.header));
        add(frame.references.data(), frame.references.size() * sizeof(ReferenceEntry));
        add(frame.body.data(), frame.body.size());
        for (const Segment& segment : frame.segments) add(segment.data, segment.size);
      });
    }
  } catch (const BadMessage&) {
    result.refused = true;
  }
  result.idle = decoder.idle();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Result whole = decode(data + 1, size - 1, SIZE_MAX);
  const Result pieces = decode(data + 1, size - 1, 1 + data[0]);
  if (whole.frames != pieces.frames || whole.refused != pieces.refused) std::abort();
  if (!whole.refused && whole.idle != pieces.idle) std::abort();
  return 0;
}
