#include "parallel/function_cache.hpp"

#include <limits>

#include <cohort/error.hpp>
#include <cohort/this_call.hpp>

#include "membership/router.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/call_context.hpp"

namespace cohort {

void FunctionCache::store(detail::FunctionKey key, std::shared_ptr<const void> function, const std::type_info& type) {
  Entry entry{std::move(function), &type};
  detail::MutexLock lock(mutex_);
  std::swap(entries_[key], entry);
}

std::shared_ptr<const void> FunctionCache::find(detail::FunctionKey key, const std::type_info& type) const {
  detail::MutexLock lock(mutex_);
  const auto entry = entries_.find(key);
  if (entry == entries_.end() || *entry->second.type != type) {
    throw Error("the function that process " + std::to_string(key.owner) + " sent is no longer here",
                ErrorKind::unimplemented);
  }
  return entry->second.function;
}

void FunctionCache::drop(Pid owner, const std::vector<std::uint64_t>& ids) {
  std::vector<Entry> dropped;
  detail::MutexLock lock(mutex_);
  for (const auto id : ids) {
    if (auto node = entries_.extract({owner, id}); !node.empty()) dropped.push_back(std::move(node.mapped()));
  }
}

void FunctionCache::drop_owners_that(const std::function<bool(Pid)>& are_gone) {
  std::vector<Entry> dropped;
  detail::MutexLock lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {  // owner by owner: each may have sent very many
    const Pid owner = entry->first.owner;
    const auto end = entries_.upper_bound({owner, std::numeric_limits<std::uint64_t>::max()});
    if (are_gone(owner)) {
      for (auto own = entry; own != end; ++own) dropped.push_back(std::move(own->second));
      entries_.erase(entry, end);
    }
    entry = end;
  }
}

namespace detail {

namespace {
FunctionCache& functions_of_this_node() { return CurrentNode::get().router->parallel().functions(); }
}  // namespace

void keep_function(FunctionKey key, std::shared_ptr<const void> function, const std::type_info& type) {
  if (key.owner != this_call().caller()) throw Error("a function of another process than the caller");
  functions_of_this_node().store(key, std::move(function), type);
}

std::shared_ptr<const void> kept_function(FunctionKey key, const std::type_info& type) {
  return functions_of_this_node().find(key, type);
}

void drop_functions(const std::vector<std::uint64_t>& ids) { functions_of_this_node().drop(this_call().caller(), ids); }

}  // namespace detail
}  // namespace cohort
