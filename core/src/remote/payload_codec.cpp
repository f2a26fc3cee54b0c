#include "remote/payload_codec.hpp"

#include <cohort/error.hpp>

namespace cohort {

void save_payload(OutArchive& archive, const Payload& payload) {
  archive.write_size(payload.body.size());
  archive.write(payload.body.data(), payload.body.size());
  archive.write_size(payload.segments.size());
  for (const auto& segment : payload.segments) {
    archive.write_size(segment.size);
    archive.add_segment(segment.data, segment.size, segment.owner);
  }
  archive.write_size(payload.references.size());
  for (const auto& reference : payload.references) archive(archive.add_reference(reference));
}

Payload load_payload(InArchive& archive) {
  Payload payload;
  payload.body.resize(archive.read_size(1));
  archive.read(payload.body.data(), payload.body.size());
  payload.segments.resize(archive.read_size(sizeof(std::uint64_t)));
  for (auto& segment : payload.segments) {
    std::uint64_t size = 0;
    archive(size);
    segment = archive.read_segment(size);
    if (segment.owner == nullptr) throw BadMessage("an encoded value with borrowed bytes");
  }
  payload.references.resize(archive.read_size(sizeof(std::uint32_t)));
  for (auto& reference : payload.references) reference = archive.take_reference();
  return payload;
}

}  // namespace cohort
