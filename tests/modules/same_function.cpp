// Built several times: modules that name one function, each its own.

#include <cohort/cohort.hpp>

namespace same_function {
inline double twice(double x) { return 2 * x; }
}  // namespace same_function

/// The build-id of the module that it is called in: of this one.
extern "C" std::uint64_t module_of_twice() {
  return cohort::detail::thunk_t<cohort::NamedFunction<same_function::twice>, double>::id().module;
}

extern "C" double twice_at(cohort::Pid pid) {
  return cohort::remotecall_fetch(cohort::fn<same_function::twice>, pid, 4.0);
}

extern "C" int number_of_module() { return MODULE_NUMBER; }  // makes each another build
