#include <cohort/named_function.hpp>

#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/error.hpp>

#include "base/demangle.hpp"
#include "base/nearest.hpp"
#include "remote/future_state.hpp"

namespace cohort::detail {
namespace {

struct NamedThunk {
  std::string signature;  // mangled
  const Thunk* thunk = nullptr;
};

// Leaked: functions register before main, and calls may come until the process ends.
struct NamedFunctions {
  std::shared_mutex mutex;  // guards by_name
  std::map<std::string, NamedThunk> by_name;
  static NamedFunctions& instance() {
    static auto* functions = new NamedFunctions;
    return *functions;
  }
};

[[noreturn]] void fail_unknown(const std::string& name, const std::vector<std::string>& names) {
  const std::string hint = did_you_mean(name, names);
  throw Error("no function is registered as '" + name + "'" +
                  (hint.empty() ? "; is its module loaded (load_module, -L)?" : hint),
              ErrorKind::unimplemented);
}

NamedThunk find(const std::string& name) {
  NamedFunctions& functions = NamedFunctions::instance();
  std::shared_lock lock(functions.mutex);
  if (auto found = functions.by_name.find(name); found != functions.by_name.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& entry : functions.by_name) names.push_back(entry.first);
  fail_unknown(name, names);
}

/// The thunk of every call by name: the function's own thunk does the rest, once the signatures agree.
void run_named(InArchive& archive, Payload& result) {
  std::string name, signature;
  archive(name, signature);
  const NamedThunk function = find(name);
  if (function.signature != signature) {
    throw Error("the function '" + name + "' is a " + demangle(function.signature.c_str()) + ", but was called as a " +
                demangle(signature.c_str()));
  }
  function.thunk->invoke(archive, result);
}

const Thunk named_call{&run_named, "a function by its name"};
[[maybe_unused]] const bool named_call_registered = register_thunk(named_call);

FunctionId named_call_id() {
  static const FunctionId id = function_id(&named_call);
  return id;
}

}  // namespace

bool register_named_function(const char* name, const std::type_info& signature, const Thunk& thunk) {
  NamedFunctions& functions = NamedFunctions::instance();
  std::unique_lock lock(functions.mutex);
  functions.by_name[name] = {signature.name(), &thunk};
  return true;
}

void save_named_call(OutArchive& archive, std::string_view name, const std::type_info& signature) {
  archive.write_block(name.data(), name.size(), 1);
  const std::string_view mangled = signature.name();
  archive.write_block(mangled.data(), mangled.size(), 1);
}

Payload fetch_named(Pid pid, Payload& call) {
  if (pid != myid()) return call_fetch(pid, named_call_id(), call);
  try {
    Payload result;
    InArchive archive(call);
    run_named(archive, result);
    return result;
  } catch (...) {
    std::rethrow_exception(current_as_remote());
  }
}

FuturePtr start_named(Pid pid, Payload& call) {
  if (pid != myid()) return detail::call(pid, named_call_id(), call);
  call.own();
  auto state = make_future(no_pid);
  run_here(
      [state, call = std::move(call)] {
        auto result = std::make_shared<Payload>();
        InArchive archive(call);
        run_named(archive, *result);
        state->set_payload(std::move(result));
      },
      state);
  return state;
}

}  // namespace cohort::detail
