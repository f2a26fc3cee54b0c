#include "node/provisions.hpp"

#include <algorithm>
#include <iterator>

#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

#include "node/session.hpp"
#include "remote/calls.hpp"

namespace cohort {
namespace {

// What runs on the workers.

Array<std::byte> fetch_module(const std::string& build_id) {
  return current_master().provisions().module_file(build_id);
}

void install_module(const detail::Module& module) {
  detail::load_into_process(module, [&] { return remotecall_fetch(fn<fetch_module>, master_pid, module.build_id); });
}

void install_value(NamedValue value) { current_node().values().put(std::move(value)); }

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

template <auto Function, class Argument>
Provisions::ItemPtr Provisions::make_item(const Argument& argument) {
  auto item = std::make_shared<Item>();
  item->function = detail::thunk_t<NamedFunction<Function>, Argument>::id();
  item->arguments = detail::encode_call(fn<Function>, argument);
  item->arguments.own();
  return item;
}

/// Those of `pids` that do not have it yet.
template <class Pids>
std::vector<Pid> Provisions::lacking_of(const Item& item, const Pids& pids) {
  std::vector<Pid> lacking;
  std::copy_if(pids.begin(), pids.end(), std::back_inserter(lacking),
               [&](Pid pid) { return !item.holders.contains(pid); });
  return lacking;
}

// --- Modules. ---

void Provisions::add_module(const detail::Module& module, const Array<std::byte>& file) {
  ItemPtr item;
  std::vector<Pid> pids;
  {
    std::lock_guard lock(mutex_);
    const auto known = std::find_if(modules_.begin(), modules_.end(),
                                    [&](const auto& entry) { return entry.build_id == module.build_id; });
    if (known != modules_.end()) {
      item = known->item;
    } else {
      item = make_item<&install_module>(module);
      modules_.push_back({module.build_id, file, item});
    }
    pids = lacking_of(*item, admitted_);
  }
  throw_if_any(deliver(*item, pids));
}

Array<std::byte> Provisions::module_file(const std::string& build_id) const {
  std::lock_guard lock(mutex_);
  for (const auto& module : modules_) {
    if (module.build_id == build_id) return module.file;
  }
  throw Error("no module with the build-id " + build_id + " was loaded");
}

// --- Values. ---

void Provisions::set_value(NamedValue value) {
  const std::string digest = digest_of(value);
  ItemPtr item;
  std::vector<Pid> pids;
  {
    std::lock_guard lock(mutex_);
    auto& known = values_[value.name];
    if (known.item == nullptr || known.digest != digest) {
      value.version = ++version_;
      known = {digest, value.version, make_item<&install_value>(value)};
    }
    value.version = known.version;
    item = known.item;
    pids = lacking_of(*item, admitted_);
  }
  node_.values().put(std::move(value));
  throw_if_any_lives(deliver(*item, pids));
}

void Provisions::clear() {
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, value] : values_) names.push_back(name);
  }
  clear(names);
}

void Provisions::clear(const std::vector<std::string>& names) {
  std::vector<ItemPtr> items;
  std::vector<Pid> pids;
  {
    std::lock_guard lock(mutex_);
    pids.assign(admitted_.begin(), admitted_.end());
    for (const auto& name : names) {
      if (values_.erase(name) == 0) continue;
      items.push_back(clearing(name, ++version_, true));
    }
  }
  deliver_all(items, pids);
}

void Provisions::clear(const std::vector<std::string>& names, const std::vector<Pid>& pids) {
  const bool here = std::find(pids.begin(), pids.end(), node_.self()) != pids.end();
  std::vector<ItemPtr> items;
  std::vector<Pid> others;
  {
    std::lock_guard lock(mutex_);
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
Provisions::ItemPtr Provisions::clearing(const std::string& name, std::uint64_t version, bool here) {
  NamedValue nothing;
  nothing.name = name;
  nothing.version = version;
  auto item = make_item<&install_value>(nothing);
  if (here) node_.values().put(std::move(nothing));
  return item;
}

void Provisions::deliver_all(const std::vector<ItemPtr>& items, const std::vector<Pid>& pids) {
  Failures failures;
  for (const auto& item : items) failures.merge(deliver(*item, pids));
  throw_if_any_lives(std::move(failures));
}

// --- Who has what. ---

Provisions::Failures Provisions::admit(std::vector<Pid> pids, Clock::time_point deadline) {
  Failures failures;
  for (;;) {
    ItemPtr item;
    std::vector<Pid> lacking;
    {
      std::lock_guard lock(mutex_);
      for (const auto& each : items()) {
        lacking = lacking_of(*each, pids);
        if (lacking.empty()) continue;
        item = each;
        break;
      }
      if (item == nullptr) {
        admitted_.insert(pids.begin(), pids.end());
        return failures;
      }
    }
    failures.merge(deliver(*item, lacking, deadline));
    std::erase_if(pids, [&](Pid pid) { return failures.contains(pid); });
  }
}

Provisions::Failures Provisions::deliver(Item& item, const std::vector<Pid>& pids, Clock::time_point deadline) {
  Failures failures;
  const auto calls = detail::call_each(pids, item.function, item.arguments);
  for (std::size_t i = 0; i < pids.size(); i++) {
    try {
      if (!detail::future_wait(*calls[i], deadline, true)) throw TimeoutError("it did not answer in time");
      std::lock_guard lock(mutex_);
      item.holders.insert(pids[i]);
    } catch (...) {
      failures[pids[i]] = std::current_exception();
    }
  }
  return failures;
}

std::vector<Provisions::ItemPtr> Provisions::items() const {
  std::vector<ItemPtr> all;
  for (const auto& module : modules_) all.push_back(module.item);
  for (const auto& [name, value] : values_) all.push_back(value.item);
  return all;
}

bool Provisions::admitted(Pid pid) const {
  std::lock_guard lock(mutex_);
  return admitted_.contains(pid);
}

void Provisions::forget(Pid pid) {
  std::lock_guard lock(mutex_);
  admitted_.erase(pid);
  for (const auto& item : items()) item->holders.erase(pid);
}

}  // namespace cohort
