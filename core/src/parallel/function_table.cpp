#include "parallel/function_table.hpp"

#include <sodium.h>

#include <atomic>

#include <cohort/remotecall.hpp>

#include "base/log.hpp"
#include "membership/router.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {
namespace {

std::atomic<std::uint64_t> next_id{1};

std::string hash_of(const PortableFunction& function, std::uint64_t unique) {
  crypto_generichash_state state;
  std::string hash(crypto_generichash_BYTES, '\0');
  const auto add = [&](const void* data, std::size_t size) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    crypto_generichash_update(&state, static_cast<const unsigned char*>(data), size);
  };
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  add(&function.thunk, sizeof function.thunk);
  add(function.encoded.body.data(), function.encoded.body.size());
  for (const auto& segment : function.encoded.segments) add(segment.data, segment.size);
  // A captured handle is not in the bytes: contents with one are never the same.
  if (!function.encoded.references.empty()) add(&unique, sizeof unique);
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  return hash;
}

}  // namespace

FunctionKey FunctionTable::key_of(const PortableFunction& function) {
  const std::uint64_t id = next_id.fetch_add(1);
  const std::string hash = hash_of(function, id);
  MutexLock lock(mutex_);
  const auto [place, is_new] = entries_.try_emplace(hash, Entry{FunctionKey(myid(), id), {}});
  if (is_new) numbered_.emplace(id, &place->second);
  return place->second.key;
}

FunctionTable::Entry* FunctionTable::find(FunctionKey key) {
  const auto place = numbered_.find(key.id);
  return place != numbered_.end() && place->second->key == key ? place->second : nullptr;
}

bool FunctionTable::is_at(FunctionKey key, Pid pid) {
  MutexLock lock(mutex_);
  const Entry* entry = find(key);
  if (entry == nullptr) return false;
  const auto place = entry->at.find(pid);
  return place != entry->at.end() && place->second;
}

void FunctionTable::sent(FunctionKey key, Pid pid) {
  MutexLock lock(mutex_);
  if (Entry* entry = find(key)) entry->at.try_emplace(pid, false);
}

void FunctionTable::arrived(FunctionKey key, Pid pid) {
  MutexLock lock(mutex_);
  if (Entry* entry = find(key)) entry->at[pid] = true;
}

void FunctionTable::clear() noexcept {
  std::map<Pid, std::vector<std::uint64_t>> at;
  {
    MutexLock lock(mutex_);
    for (const auto& [hash, entry] : entries_) {
      for (const auto& [pid, arrived] : entry.at) at[pid].push_back(entry.key.id);
    }
    entries_.clear();
    numbered_.clear();
  }
  for (const auto& [pid, ids] : at) {
    try {
      Router& router = *CurrentNode::get().router;
      if (pid == router.self()) {
        router.parallel().functions().drop(pid, ids);
      } else if (const auto connection = router.existing_connection(pid)) {
        // As remote_do would, which makes a connection where there is none, and may wait for the peer to read.
        const auto function = thunk_t<NamedFunction<&drop_functions>, std::vector<std::uint64_t>>::id();
        connection->send(FrameKind::remote_do, 0, 0, encode_call(fn<&drop_functions>, ids), SendQueue::Mode::now, {},
                         std::as_bytes(std::span(&function, 1)));
      }
    } catch (const std::exception& error) {  // it is gone, and what it kept too
      log(LogLevel::debug, std::string("functions were not dropped: ") + error.what());
    }
  }
}

std::size_t FunctionTable::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace cohort::detail
