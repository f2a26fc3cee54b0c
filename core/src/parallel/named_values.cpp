#include "parallel/named_values.hpp"

#include <sodium.h>

#include <array>
#include <utility>

#include <cohort/cluster.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"

namespace cohort {

void NamedValue::save(OutArchive& archive) const {
  archive(name, type, version, payload != nullptr);
  if (payload != nullptr) detail::save_payload(archive, *payload);
}

void NamedValue::load(InArchive& archive) {
  bool there = false;
  archive(name, type, version, there);
  if (there) payload = std::make_shared<const Payload>(detail::load_payload(archive));
}

std::string digest_of(const NamedValue& value) {
  crypto_generichash_state state;
  std::array<unsigned char, 32> digest;
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  const auto add = [&state](const void* data, std::size_t size) {
    const std::uint64_t length = size;
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length), sizeof length);
    if (size != 0) crypto_generichash_update(&state, static_cast<const unsigned char*>(data), size);
  };
  add(value.type.data(), value.type.size());
  add(value.payload->body.data(), value.payload->body.size());
  for (const auto& segment : value.payload->segments) add(segment.data, segment.size);
  // A process has one handle on each remote value, so its address says which it is, for as long as the payload lives.
  for (const auto& reference : value.payload->references) {
    const auto* address = reference.get();
    add(&address, sizeof address);
  }
  crypto_generichash_final(&state, digest.data(), digest.size());
  return {digest.begin(), digest.end()};
}

NamedValues::Entry::Entry(NamedValue&& value)
    : type(std::move(value.type)),
      version(value.version),
      there(value.payload != nullptr),
      payload(std::move(value.payload)),
      object(std::move(value.object)),
      object_type(value.object_type) {
  if (object != nullptr) payload.reset();  // not needed twice
}

void NamedValues::put(NamedValue value) {
  const std::string name = value.name;
  auto entry = std::make_shared<Entry>(std::move(value));
  detail::MutexLock lock(mutex_);
  auto& place = entries_[name];
  if (place == nullptr || place->version <= entry->version) std::swap(place, entry);
  // What was there before is destroyed by `entry`: after the lock is gone, because that may be user code.
}

std::shared_ptr<NamedValues::Entry> NamedValues::find(const std::string& name) {
  detail::MutexLock lock(mutex_);
  if (const auto entry = entries_.find(name); entry != entries_.end() && entry->second->there) return entry->second;
  std::vector<std::string> names;
  for (const auto& [known, entry] : entries_) {
    if (entry->there) names.push_back(known);
  }
  throw Error("process " + std::to_string(myid()) + " has no value named '" + excerpt(name) + "'" +
              detail::did_you_mean(name, names));
}

std::shared_ptr<const void> NamedValues::get(const std::string& name, const std::type_info& type,
                                             detail::Decoder decode) {
  const auto entry = find(name);
  const auto refuse = [&] {
    throw Error("the value '" + name + "' is a " + demangle(entry->type.c_str()) + ", not a " + demangle(type.name()));
  };
  if (entry->type != type.name()) refuse();
  detail::MutexLock lock(entry->decoding);
  if (entry->object == nullptr) {
    entry->object = decode(*entry->payload);
    entry->object_type = &type;
    entry->payload.reset();  // not needed twice
  }
  if (*entry->object_type != type) refuse();  // types of two source files that only share their name
  return entry->object;
}

}  // namespace cohort
