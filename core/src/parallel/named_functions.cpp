#include <cohort/named_function.hpp>

#include <map>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"
#include "remote/call_context.hpp"
#include "remote/exception_codec.hpp"
#include "remote/future_state.hpp"

namespace cohort::detail {
namespace {

// Leaked: functions register before main, and calls may come until the process ends.
struct NamedFunctions {
  SharedMutex mutex;
  std::map<std::string, NamedThunk> by_name COHORT_GUARDED_BY(mutex);
  static NamedFunctions& instance() {
    static auto* functions = new NamedFunctions;
    return *functions;
  }
};

[[noreturn]] void fail_unknown(const std::string& name, const std::vector<std::string>& names) {
  const std::string hint = did_you_mean(name, names);
  throw Error("no function is registered as '" + excerpt(name) + "'" +
                  (hint.empty() ? "; is its module loaded (load_module, -L)?" : hint),
              ErrorKind::unimplemented);
}

NamedThunk find(const std::string& name) {
  NamedFunctions& functions = NamedFunctions::instance();
  ReaderLock lock(functions.mutex);
  if (auto found = functions.by_name.find(name); found != functions.by_name.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& entry : functions.by_name) names.push_back(entry.first);
  fail_unknown(name, names);
}

/// Reads what save_named_call() wrote. @throws Error there is no such function, or of another signature.
NamedThunk take_function(InArchive& archive) {
  std::string name, signature;
  archive(name, signature);
  const NamedThunk function = find(name);
  if (function.signature != signature) {
    throw Error("the function '" + name + "' is a " + demangle(function.signature.c_str()) + ", but was called as a " +
                demangle(signature.c_str()));
  }
  return function;
}

/// The thunk of every call by name: the function's own thunk does the rest.
void run_named(InArchive& archive, Payload& result) { take_function(archive).thunk->invoke(archive, result); }

const Thunk named_call{&run_named};
[[maybe_unused]] const bool named_call_registered = register_thunk(named_call);

FunctionId named_call_id() {
  static const FunctionId id = function_id(&named_call);
  return id;
}

}  // namespace

bool register_named_function(const char* name, const NamedThunk& function) {
  NamedFunctions& functions = NamedFunctions::instance();
  WriterLock lock(functions.mutex);
  functions.by_name[name] = function;
  return true;
}

void save_named_call(OutArchive& archive, std::string_view name, const std::type_info& signature) {
  archive.write_block(name.data(), name.size(), 1);
  const std::string_view mangled = signature.name();
  archive.write_block(mangled.data(), mangled.size(), 1);
}

namespace {

/// A coroutine that this process calls by name: its result comes late.
class LateResult final : public CallContext, public DeferredReply {
 public:
  explicit LateResult(FuturePtr state) : CallContext(state->owner), state_(std::move(state)) {}
  std::shared_ptr<DeferredReply> defer() override { return std::static_pointer_cast<LateResult>(shared_from_this()); }
  void finish(Payload result, std::exception_ptr failure) noexcept override {
    if (failure != nullptr)
      state_->fail(as_remote_exception(failure, state_->owner));
    else
      state_->set_payload(std::make_shared<const Payload>(std::move(result)));
  }

 private:
  const FuturePtr state_;
};

FuturePtr start_here(Payload call) {
  call.own();
  auto state = make_future(no_pid);
  run_here(
      [state, call = std::move(call)] {
        InArchive archive(call);
        const NamedThunk function = take_function(archive);
        Payload result;
        if (function.is_coroutine) {
          const auto context = std::make_shared<LateResult>(state);
          const CallScope scope(CurrentNode::get(), context.get());
          return function.thunk->invoke(archive, result);
        }
        function.thunk->invoke(archive, result);
        state->set_payload(std::make_shared<const Payload>(std::move(result)));
      },
      state);
  return state;
}

}  // namespace

Payload fetch_named(Pid pid, Payload& call) {
  if (pid != myid()) return call_fetch(pid, named_call_id(), call);
  auto state = start_here(std::move(call));
  future_wait(*state, WaitOptions{});
  return *state->result(nullptr)->payload;
}

FuturePtr start_named(Pid pid, Payload& call) {
  return pid == myid() ? start_here(std::move(call)) : detail::call(pid, named_call_id(), call);
}

}  // namespace cohort::detail
