#include "node/replicated_state.hpp"

#include <algorithm>
#include <iterator>

#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

#include "node/session.hpp"
#include "remote/calls.hpp"

namespace cohort {
namespace {

// What runs on the workers. @return whether it is there now; else the item's `otherwise` is needed.

bool install_module(const detail::Module& module) { return detail::load_from_path(module); }

bool install_module_file(const detail::Module& module, const Array<std::byte>& file) {
  detail::load_from_bytes(module, file.span());
  return true;
}

bool install_value(NamedValue value) {
  current_node().values().put(std::move(value));
  return true;
}

void throw_if_any(const std::map<Pid, std::exception_ptr>& failures) {
  std::vector<std::exception_ptr> exceptions;
  for (const auto& [pid, failure] : failures) exceptions.push_back(failure);
  if (!exceptions.empty()) throw CompositeException(std::move(exceptions));
}

bool is_exit(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const ProcessExitedException&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// A process that is gone needs no values.
void throw_if_any_lives(std::map<Pid, std::exception_ptr> failures) {
  std::erase_if(failures, [](const auto& failure) { return is_exit(failure.second); });
  throw_if_any(failures);
}

}  // namespace

template <auto Function, class... A>
ReplicatedState::ItemPtr ReplicatedState::make_item(const A&... arguments) {
  auto item = std::make_shared<Item>();
  item->function = detail::thunk_t<NamedFunction<Function>, A...>::id();
  item->arguments = detail::encode_call(fn<Function>, arguments...);
  item->arguments.own();
  return item;
}

/// Those of `pids` that do not have it yet.
template <class Pids>
std::vector<Pid> ReplicatedState::lacking_of(const Item& item, const Pids& pids) {
  std::vector<Pid> lacking;
  std::copy_if(pids.begin(), pids.end(), std::back_inserter(lacking),
               [&](Pid pid) { return !item.holders.contains(pid); });
  return lacking;
}

// --- Modules. ---

void ReplicatedState::add_module(const detail::Module& module, const Array<std::byte>& file) {
  ItemPtr item;
  std::vector<Pid> pids;
  {
    detail::MutexLock lock(mutex_);
    const auto known = std::find_if(modules_.begin(), modules_.end(),
                                    [&](const auto& entry) { return entry.build_id == module.build_id; });
    if (known != modules_.end()) {
      item = known->item;
    } else {
      item = make_item<&install_module>(module);
      item->otherwise = make_item<&install_module_file>(module, file);
      modules_.push_back({module.build_id, item});
    }
    pids = lacking_of(*item, admitted_);
  }
  throw_if_any(deliver(*item, pids));
}

// --- Values. ---

void ReplicatedState::set_value(NamedValue value) {
  const std::string digest = digest_of(value);
  ItemPtr item;
  std::vector<Pid> pids;
  {
    detail::MutexLock lock(mutex_);
    const auto known = values_.find(value.name);
    if (known != values_.end() && known->second.digest == digest) {
      value.version = known->second.version;
      item = known->second.item;
    } else {
      value.version = ++version_;
      item = make_item<&install_value>(value);
      values_[value.name] = {digest, value.version, item};
    }
    pids = lacking_of(*item, admitted_);
  }
  node_.values().put(std::move(value));
  throw_if_any_lives(deliver(*item, pids));
}

void ReplicatedState::clear() {
  std::vector<std::string> names;
  {
    detail::MutexLock lock(mutex_);
    for (const auto& [name, value] : values_) names.push_back(name);
  }
  clear(names);
}

void ReplicatedState::clear(const std::vector<std::string>& names) {
  std::vector<ItemPtr> items;
  std::vector<Pid> pids;
  {
    detail::MutexLock lock(mutex_);
    pids.assign(admitted_.begin(), admitted_.end());
    pids.insert(pids.end(), joining_.begin(), joining_.end());  // what they are being given may be older than this
    for (const auto& name : names) {
      if (values_.erase(name) == 0) continue;
      items.push_back(clearing(name, ++version_, true));
    }
  }
  deliver_all(items, pids);
}

void ReplicatedState::clear(const std::vector<std::string>& names, const std::vector<Pid>& pids) {
  const bool here = std::find(pids.begin(), pids.end(), node_.self()) != pids.end();
  std::vector<ItemPtr> items;
  std::vector<Pid> others;
  {
    detail::MutexLock lock(mutex_);
    for (const Pid pid : pids) {
      if (admitted_.contains(pid)) others.push_back(pid);
    }
    for (const auto& name : names) {
      const auto known = values_.find(name);
      if (known == values_.end()) continue;
      items.push_back(clearing(name, known->second.version, here));
      for (const Pid pid : others) known->second.item->holders.erase(pid);
    }
  }
  deliver_all(items, others);
}

// Clears the value here if so wanted. @return what does it in other processes.
ReplicatedState::ItemPtr ReplicatedState::clearing(const std::string& name, std::uint64_t version, bool here) {
  NamedValue nothing;
  nothing.name = name;
  nothing.version = version;
  auto item = make_item<&install_value>(nothing);
  if (here) node_.values().put(std::move(nothing));
  return item;
}

void ReplicatedState::deliver_all(const std::vector<ItemPtr>& items, const std::vector<Pid>& pids) {
  Failures failures;
  for (const auto& item : items) failures.merge(deliver(*item, pids));
  throw_if_any_lives(std::move(failures));
}

// --- Who has what. ---

void ReplicatedState::admit(Pid pid, Clock::time_point deadline) {
  for (;;) {
    std::vector<ItemPtr> lacking;
    {
      detail::MutexLock lock(mutex_);
      lacking = items();
      std::erase_if(lacking, [pid](const ItemPtr& each) { return each->holders.contains(pid); });
      if (lacking.empty()) {
        admitted_.insert(pid);
        joining_.erase(pid);
        return;
      }
      joining_.insert(pid);
    }
    for (const auto& item : lacking) {
      if (const auto failures = deliver(*item, {pid}, deadline); !failures.empty()) {
        std::rethrow_exception(failures.at(pid));
      }
    }
  }
}

ReplicatedState::Failures ReplicatedState::deliver(Item& item, const std::vector<Pid>& pids,
                                                   Clock::time_point deadline) {
  Failures failures;
  std::vector<Pid> wanting;
  const auto calls = detail::call_each(pids, item.function, item.arguments);
  for (std::size_t i = 0; i < pids.size(); i++) {
    try {
      if (!Future<bool>(calls[i]).fetch({.deadline = deadline})) wanting.push_back(pids[i]);
    } catch (...) {
      failures[pids[i]] = std::current_exception();
    }
  }
  if (!wanting.empty()) failures.merge(deliver(*item.otherwise, wanting, deadline));
  detail::MutexLock lock(mutex_);
  for (const Pid pid : pids) {
    if (!failures.contains(pid)) item.holders.insert(pid);
  }
  return failures;
}

std::vector<ReplicatedState::ItemPtr> ReplicatedState::items() const {
  std::vector<ItemPtr> all;
  for (const auto& module : modules_) all.push_back(module.item);
  for (const auto& [name, value] : values_) all.push_back(value.item);
  return all;
}

void ReplicatedState::forget(Pid pid) {
  detail::MutexLock lock(mutex_);
  admitted_.erase(pid);
  joining_.erase(pid);
  for (const auto& item : items()) item->holders.erase(pid);
}

}  // namespace cohort
