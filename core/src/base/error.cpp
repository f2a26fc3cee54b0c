#include <cohort/error.hpp>

#include <cxxabi.h>

#include <cohort/detail/checked.hpp>
#include <cohort/detail/text.hpp>

#include "base/text.hpp"

namespace cohort {

ProcessExitedException::ProcessExitedException(Pid worker, const std::string& cause)
    : Error("process " + std::to_string(worker) + " exited" + (cause.empty() ? "" : ": " + cause),
            ErrorKind::disconnected),
      worker_(worker),
      cause_(cause) {}

namespace {

std::string quoting(const std::string& message) { return excerpt(message, 64 << 10, true); }

std::string describe(const RemoteException::Details& details) {
  std::string text = "On worker " + std::to_string(details.worker) + ":\n" + details.type_name;
  if (!details.message.empty()) text += ": " + details.message;
  if (!details.stack.empty()) text += "\n" + details.stack;
  return text;
}

std::string describe(const std::vector<std::exception_ptr>& exceptions) {
  if (exceptions.empty()) return "CompositeException()";
  std::string text = message_of(exceptions.front());
  const std::size_t more = exceptions.size() - 1;
  if (more > 0) text += "\n\n...and " + std::to_string(more) + (more == 1 ? " more exception." : " more exceptions.");
  return text;
}

}  // namespace

ConfigError::ConfigError(const std::string& message) : Error(quoting(message)) {}
PluginError::PluginError(const std::string& message) : Error(quoting(message)) {}
LaunchError::LaunchError(const std::string& message) : Error(quoting(message), ErrorKind::disconnected) {}

RemoteException::RemoteException(Details details, std::exception_ptr cause)
    : Error(describe(details), details.kind),
      details_(std::make_shared<const Details>(std::move(details))),
      cause_(std::move(cause)) {}

CompositeException::CompositeException(std::vector<std::exception_ptr> exceptions)
    : Error(describe(exceptions)),
      exceptions_(std::make_shared<const std::vector<std::exception_ptr>>(std::move(exceptions))) {}

namespace {

/// Of the exception that is being handled.
std::string type_of_exception() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type == nullptr ? "unknown type" : "type " + demangle(type->name());
}

}  // namespace

std::string message_of(const std::exception_ptr& exception) {
  try {
    if (exception) std::rethrow_exception(exception);
    return "no exception";
  } catch (const std::exception& error) {
    const char* text = error.what();  // of a user's class: it may be anything
    return text == nullptr ? "an exception of " + type_of_exception() + " without a text" : text;
  } catch (...) {
    return "an exception of " + type_of_exception();
  }
}

namespace detail {

void throw_empty(const char* class_name) {
  throw Error("this " + std::string(class_name) + " is empty: it was never made, or was moved from or finalised");
}

}  // namespace detail
}  // namespace cohort
