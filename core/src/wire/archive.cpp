#include <algorithm>
#include <string>

#include <cohort/archive.hpp>

#include "base/text.hpp"
#include "wire/segment_pool.hpp"

namespace cohort {

void OutArchive::add_segment(const void* data, std::size_t size) { add_segment(data, size, keep_alive_); }

void OutArchive::add_segment(const void* data, std::size_t size, std::shared_ptr<const void> owner) {
  if (payload_.segments.size() >= detail::max_segments)
    throw Error("a message can have at most 65535 segments; send fewer, larger arrays");
  const auto* bytes = static_cast<const std::byte*>(data);
  // Memory of a local variable is not what keep_alive_ owns.
  if (copying_ && owner == keep_alive_)
    payload_.segments.push_back(copy_segment({bytes, size}));
  else
    payload_.segments.push_back({std::move(owner), bytes, size});
}

std::uint32_t OutArchive::add_reference(std::shared_ptr<detail::Reference> reference) {
  if (payload_.references.size() >= detail::max_references)
    throw Error("a message can have at most 65535 remote references; send them in several calls");
  payload_.references.push_back(std::move(reference));
  return static_cast<std::uint32_t>(payload_.references.size() - 1);
}

void OutArchive::write_large_block(const void* data, std::size_t count, std::size_t size,
                                   const std::shared_ptr<const void>& owner) {
  write_size(count | detail::segment_mark);
  add_segment(data, size, owner != nullptr ? owner : keep_alive_);
}

void OutArchive::fail_depth() {
  --depth_;
  throw Error("a value nested more than 64 deep cannot be sent; send a long chain as a container");
}

std::uint64_t InArchive::read_size(std::size_t min_element_bytes, const std::type_info& type) {
  std::uint64_t count;
  read(&count, sizeof(count), type);
  const std::size_t each = std::max<std::size_t>(min_element_bytes, 1);
  if (count <= left() / each) return count;
  std::size_t all_left = left();
  for (std::size_t i = next_segment_; i < payload_.segments.size(); ++i) all_left += payload_.segments[i].size;
  if (count > all_left / each) fail(type, "a count is more than the bytes left can hold");
  return count;
}

const Segment& InArchive::read_segment(std::size_t size) {
  if (next_segment_ == payload_.segments.size()) fail(*type_, "a segment is missing");
  const Segment& segment = payload_.segments[next_segment_];
  if (segment.size != size) fail(*type_, "a segment has another size");
  ++next_segment_;
  return segment;
}

InArchive::Block InArchive::read_block(std::size_t element_size, const std::type_info& type) {
  std::uint64_t count;
  read(&count, sizeof(count), type);
  if ((count & detail::segment_mark) != 0) {
    count &= ~detail::segment_mark;
    if (count > SIZE_MAX / element_size) fail(type, "a count is more than memory can hold");
    const Segment& segment = read_segment(count * element_size);
    return {segment.data, count, &segment};
  }
  if (count > left() / element_size) fail(type, "a count is more than the bytes left can hold");
  const Block block{cursor_, count, nullptr};
  cursor_ += count * element_size;
  return block;
}

std::shared_ptr<detail::Reference> InArchive::take_reference() {
  std::uint32_t index;
  read(&index, sizeof(index), *type_);
  if (index >= payload_.references.size()) fail(*type_, "there is no remote reference of this number");
  if (taken_.empty()) taken_.resize(payload_.references.size());
  if (taken_[index]) fail(*type_, "a remote reference comes twice");
  taken_[index] = true;
  return payload_.references[index];
}

void InArchive::finish() {
  if (left() != 0) fail(*type_, (std::to_string(left()) + " bytes are left over").c_str());
  if (next_segment_ != payload_.segments.size()) fail(*type_, "segments are left over");
  if (emptied_ == nullptr) return;
  emptied_->segments.clear();
  next_segment_ = 0;
}

void InArchive::fail_short(const std::type_info& type, std::size_t wanted) const {
  fail(type, ("it ends early, " + std::to_string(wanted) + " bytes are needed").c_str());
}

void InArchive::fail(const std::type_info& type, const char* problem) const {
  std::string text = "bad message at byte " + std::to_string(position()) + " of " +
                     std::to_string(payload_.body.size()) + ": " + problem;
  if (type != typeid(void)) text += ", reading " + demangle(type.name());
  if (*type_ != typeid(void) && *type_ != type) text += " in " + demangle(type_->name());
  throw BadMessage(text);
}

}  // namespace cohort
