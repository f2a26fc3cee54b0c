#include <cohort/detail/members.hpp>

#include <algorithm>

#include <cohort/detail/payload.hpp>

#include "relayed_call.hpp"

namespace cohort::detail {
namespace {

// Waits in the master, so that a cancellation of the relayed call cancels the call itself.
struct PassOnCall : Registered<PassOnCall> {
  static void invoke(InArchive& archive, Payload& result) {
    RelayedCall call = decode_relayed(archive);
    result = call_fetch(call.pid, call.function, call.arguments);
  }
};

}  // namespace

Payload encode_relayed(Pid pid, FunctionId function, const Payload& arguments) {
  Payload payload;
  OutArchive archive(payload);
  archive(pid, function.module, function.offset);
  save_payload(archive, arguments);
  return payload;
}

RelayedCall decode_relayed(InArchive& archive) {
  RelayedCall call;
  archive(call.pid, call.function.module, call.function.offset);
  call.arguments = load_payload(archive);
  archive.finish();
  return call;
}

FuturePtr start_through_master(Pid pid, FunctionId function, const Payload& arguments) {
  return start_on_each({master_pid}, PassOnCall::id(), encode_relayed(pid, function, arguments)).front();
}

Payload fetch_through_master(Pid pid, FunctionId function, const Payload& arguments) {
  Payload relayed = encode_relayed(pid, function, arguments);
  return call_fetch(master_pid, PassOnCall::id(), relayed);
}

FuturePtr start_on_member(Pid pid, FunctionId function, Payload& arguments) {
  try {
    return call(pid, function, arguments);
  } catch (const Error&) {
    if (!is_unconnected(std::current_exception())) throw;
    return start_through_master(pid, function, arguments);
  }
}

Payload fetch_from_member(Pid pid, FunctionId function, Payload& arguments) {
  try {
    return call_fetch(pid, function, arguments);
  } catch (const Error&) {
    if (!is_unconnected(std::current_exception())) throw;
    return fetch_through_master(pid, function, arguments);
  }
}

bool is_unconnected(const std::exception_ptr& failure) {
  if (myid() == master_pid) return false;
  try {
    std::rethrow_exception(failure);
  } catch (const ProcessExitedException&) {
  } catch (const RemoteException&) {
  } catch (const Error& error) {
    return error.kind() == ErrorKind::disconnected;
  } catch (...) {
  }
  return false;
}

bool has_unconnected(const CompositeException& failures) {
  return std::ranges::any_of(failures.exceptions(), is_unconnected);
}

}  // namespace cohort::detail
