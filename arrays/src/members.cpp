#include <cohort/detail/members.hpp>

#include <algorithm>

namespace cohort::detail {

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
