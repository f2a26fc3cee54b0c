#include "remote/registry.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>

#include "base/module_info.hpp"
#include "base/text.hpp"

namespace cohort {
namespace {

struct Module {
  std::string build_id;   // hexadecimal; empty: linked without one
  std::uint64_t key = 0;  // its first 8 bytes
  std::string path;
  std::uintptr_t base = 0;
  struct Range {
    std::uintptr_t begin, end;
    bool executable;
  };
  std::vector<Range> segments;

  const Range* segment_of(std::uintptr_t address) const {
    for (const Range& range : segments) {
      if (address >= range.begin && address < range.end) return &range;
    }
    return nullptr;
  }
};

using Modules = std::vector<Module>;

int add_module(dl_phdr_info* info, size_t, void* data) {
  auto& modules = *static_cast<Modules*>(data);
  Module module;
  module.path = info->dlpi_name;
  if (modules.empty()) module.path = "the main program";  // the dynamic linker lists it first
  module.base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& header = info->dlpi_phdr[i];
    const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD)
      module.segments.push_back({begin, begin + header.p_memsz, (header.p_flags & PF_X) != 0});
    if (header.p_type == PT_NOTE && module.build_id.empty()) {
      const auto id = find_build_id({reinterpret_cast<const std::byte*>(begin), header.p_memsz});
      module.build_id = build_id_text(id);
      if (id.size() >= sizeof module.key) std::memcpy(&module.key, id.data(), sizeof module.key);
    }
  }
  modules.push_back(std::move(module));
  return 0;
}

// How many modules were loaded and unloaded since the process began: what is known of them holds as long as both are
// the same. Always the same where the C library does not count.
struct Changes {
  unsigned long long loaded = 0, unloaded = 0;
  bool operator==(const Changes&) const = default;

  static Changes now() {
    Changes changes;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
          *static_cast<Changes*>(data) = {info->dlpi_adds, info->dlpi_subs};
          return 1;
        },
        &changes);
    return changes;
  }
};

// Asked at each call of a function pointer, and reading them anew would take longer than the call.
std::shared_ptr<const Modules> loaded_modules() {
  struct Known {
    detail::SharedMutex mutex;
    Changes at COHORT_GUARDED_BY(mutex);
    std::shared_ptr<const Modules> modules COHORT_GUARDED_BY(mutex);
  };
  static auto* known = new Known;  // leaked: calls may come until the process ends
  const auto now = Changes::now();
  {
    detail::ReaderLock lock(known->mutex);
    if (known->modules != nullptr && known->at == now) return known->modules;
  }
  auto modules = std::make_shared<Modules>();
  dl_iterate_phdr(&add_module, modules.get());
  detail::WriterLock lock(known->mutex);
  known->at = now;
  known->modules = modules;
  return modules;
}

struct IdHash {
  std::size_t operator()(const detail::FunctionId& id) const { return id.module ^ (id.offset * 0x9e3779b97f4a7c15); }
};

// Leaked: thunks register before main, and calls may come until the process ends.
struct Registry {
  detail::SharedMutex mutex;
  std::unordered_set<const detail::Thunk*> thunks COHORT_GUARDED_BY(mutex);
  // Filled at the first call of each.
  std::unordered_map<detail::FunctionId, const detail::Thunk*, IdHash> by_id COHORT_GUARDED_BY(mutex);

  static Registry& instance() {
    static auto* registry = new Registry;
    return *registry;
  }
};

}  // namespace

namespace detail {

bool register_thunk(const Thunk& thunk) {
  Registry& registry = Registry::instance();
  detail::WriterLock lock(registry.mutex);
  registry.thunks.insert(&thunk);
  return true;
}

void fail_null_function() { throw Error("the function is null: a null pointer, or an empty std::function"); }

FunctionId function_id(const void* address) {
  if (address == nullptr) fail_null_function();
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  for (const auto modules = loaded_modules(); const Module& module : *modules) {
    if (module.segment_of(value) == nullptr) continue;
    if (module.build_id.empty()) {
      throw Error("functions of " + module.path +
                  " cannot be called remotely: it has no build-id; link it with -Wl,--build-id");
    }
    return {module.key, value - module.base};
  }
  throw Error("a function outside of every loaded module cannot be called remotely");
}

void fail_number_does_not_fit(std::size_t place, const std::string& number, const std::type_info& type) {
  throw Error(fmt::format("argument {} of the function is {}, which a parameter of type {} cannot hold", place + 1,
                          number, demangle(type.name())));
}

void fail_number_does_not_fit(std::size_t place, double number, const std::type_info& type) {
  fail_number_does_not_fit(place, fmt::format("{}", number), type);
}

const void* function_at(FunctionId id) {
  for (const auto modules = loaded_modules(); const Module& module : *modules) {
    if (module.key != id.module || module.build_id.empty()) continue;
    const std::uintptr_t address = module.base + id.offset;
    const auto* segment = module.segment_of(address);
    if (segment == nullptr || !segment->executable) {
      throw Error(fmt::format("there is no function at offset {:#x} of {}", id.offset, module.path),
                  ErrorKind::unimplemented);
    }
    return reinterpret_cast<const void*>(address);
  }
  throw Error(fmt::format("the function's module (build-id {:016x}…) is not loaded here", __builtin_bswap64(id.module)),
              ErrorKind::unimplemented);
}

}  // namespace detail

const detail::Thunk* find_known_thunk(detail::FunctionId id) {
  Registry& registry = Registry::instance();
  detail::ReaderLock lock(registry.mutex);
  const auto found = registry.by_id.find(id);
  return found == registry.by_id.end() ? nullptr : found->second;
}

const detail::Thunk& find_thunk(detail::FunctionId id) {
  if (const auto* known = find_known_thunk(id)) return *known;
  Registry& registry = Registry::instance();
  const auto modules = loaded_modules();
  for (const Module& module : *modules) {
    if (module.key != id.module || module.build_id.empty()) continue;
    const auto* thunk = reinterpret_cast<const detail::Thunk*>(module.base + id.offset);
    detail::WriterLock lock(registry.mutex);
    if (!registry.thunks.contains(thunk)) break;  // only what registered itself is ever called
    registry.by_id.emplace(id, thunk);
    return *thunk;
  }
  for (const Module& module : *modules) {
    if (module.key == id.module) {
      throw Error(fmt::format("{} has no remote function at offset {:#x}", module.path, id.offset),
                  ErrorKind::unimplemented);
    }
  }
  throw Error(fmt::format("the function's module (build-id {:016x}…) is not loaded here", __builtin_bswap64(id.module)),
              ErrorKind::unimplemented);
}

bool module_is_loaded(const std::string& build_id) {
  const auto modules = loaded_modules();
  return std::any_of(modules->begin(), modules->end(),
                     [&](const Module& module) { return module.build_id == build_id; });
}

const std::string& executable_build_id() {
  static const auto* id = new std::string([] {
    const auto modules = loaded_modules();
    return modules->empty() ? std::string() : modules->front().build_id;
  }());
  return *id;
}

std::string build_text() { return executable_build_id() + '/' + library_build_id(); }

const std::string& library_build_id() {
  static const auto* id = new std::string([] {
    const auto here = reinterpret_cast<std::uintptr_t>(&library_build_id);
    for (const auto modules = loaded_modules(); const Module& module : *modules) {
      if (module.segment_of(here) != nullptr) return module.build_id;
    }
    return std::string();
  }());
  return *id;
}

}  // namespace cohort
