#include "remote/exception_codec.hpp"

#include <cxxabi.h>

#include <future>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <typeinfo>
#include <variant>

#include <cohort/archive.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/exception.hpp>

#include "base/text.hpp"
#include "remote/throw_stack.hpp"

namespace cohort {
namespace {

// The order is the protocol: only add at the end.
enum class CauseType : std::uint8_t {
  none,
  logic_error,
  invalid_argument,
  domain_error,
  length_error,
  out_of_range,
  runtime_error,
  range_error,
  overflow_error,
  underflow_error,
  bad_alloc,
  bad_cast,
  system_error,
  error,
  bad_message,
  timeout,
  interrupted,
  config_error,
  plugin_error,
  launch_error,
  process_exited,
  bad_variant_access,
  bad_optional_access,
  cancelled,
  channel_closed
};

struct Encoded {
  RemoteException::Details details;
  CauseType cause = CauseType::none;
  std::int32_t number = 0;  // an errno value, or a pid
  std::string text;         // the cause of a process's end
  std::string own_type;     // of the program; empty: none that travels
  std::string own_parts;    // it, encoded
};

template <class Archive>
void serialize(Archive& archive, Encoded& encoded) {
  auto kind = static_cast<std::uint8_t>(encoded.details.kind);
  auto cause = static_cast<std::uint8_t>(encoded.cause);
  archive(encoded.details.worker, kind, encoded.details.type_name, encoded.details.message, encoded.details.stack,
          cause, encoded.number, encoded.text, encoded.own_type, encoded.own_parts);
  encoded.details.kind = static_cast<ErrorKind>(kind);
  encoded.cause = static_cast<CauseType>(cause);
}

struct OwnTypes {
  detail::Mutex mutex;
  std::map<std::string, detail::ExceptionType> by_name COHORT_GUARDED_BY(mutex);

  static OwnTypes& instance() {
    static OwnTypes& types = *new OwnTypes;  // never destroyed: exceptions come until the very end
    return types;
  }
  std::optional<detail::ExceptionType> find(const std::string& name) {
    const detail::MutexLock lock(mutex);
    const auto found = by_name.find(name);
    return found == by_name.end() ? std::nullopt : std::optional(found->second);
  }
};

// What cannot be encoded arrives as its standard base.
void encode_own(Encoded& result, const std::exception& error) {
  const char* name = typeid(error).name();
  const auto type = OwnTypes::instance().find(name);
  if (!type) return;
  try {
    const Payload parts = type->encode(dynamic_cast<const void*>(&error));
    if (!parts.segments.empty() || !parts.references.empty()) return;
    result.own_parts.assign(reinterpret_cast<const char*>(parts.body.data()), parts.body.size());
    result.own_type = name;
  } catch (const std::exception&) {
  }
}

std::exception_ptr decode_own(const Encoded& encoded) {
  const auto type = encoded.own_type.empty() ? std::nullopt : OwnTypes::instance().find(encoded.own_type);
  if (!type) return nullptr;
  try {
    Payload parts;
    parts.body.append(encoded.own_parts.data(), encoded.own_parts.size());
    return type->decode(parts);
  } catch (...) {  // of its constructor as well
    return nullptr;
  }
}

// The most derived known type first. A type of the user's that does not travel keeps its name and text, and arrives as
// its standard base.
Encoded describe(const std::exception_ptr& exception, Pid worker) {
  Encoded result;
  result.details.worker = worker;
  result.details.stack = throw_stack_of(exception);
  try {
    std::rethrow_exception(exception);
  } catch (const RemoteException& error) {
    result.details = {error.worker(), error.kind(), error.type_name(), error.message(), error.stack()};
    if (error.cause()) {
      Encoded inner = describe(error.cause(), worker);
      result.cause = inner.cause;
      result.number = inner.number;
      result.text = inner.text;
      result.own_type = std::move(inner.own_type);
      result.own_parts = std::move(inner.own_parts);
    }
    return result;
  } catch (const std::exception& error) {
    result.details.type_name = demangle(typeid(error).name());
    result.details.message = message_of(exception);
    encode_own(result, error);
    const auto is = [&]<class T>(std::type_identity<T>, CauseType type) {
      if (result.cause == CauseType::none && dynamic_cast<const T*>(&error) != nullptr) result.cause = type;
    };
    if (const auto* cohort_error = dynamic_cast<const Error*>(&error)) result.details.kind = cohort_error->kind();
    if (const auto* exited = dynamic_cast<const ProcessExitedException*>(&error)) {
      result.cause = CauseType::process_exited;
      result.number = exited->worker_id();
      result.text = exited->cause();
    }
    if (const auto* system = dynamic_cast<const std::system_error*>(&error)) {
      result.cause = CauseType::system_error;
      result.number = system->code().value();
    }
    is(std::type_identity<BadMessage>{}, CauseType::bad_message);
    is(std::type_identity<TimeoutError>{}, CauseType::timeout);
    is(std::type_identity<InterruptedException>{}, CauseType::interrupted);
    is(std::type_identity<CancelledException>{}, CauseType::cancelled);
    is(std::type_identity<ChannelClosedError>{}, CauseType::channel_closed);
    is(std::type_identity<ConfigError>{}, CauseType::config_error);
    is(std::type_identity<PluginError>{}, CauseType::plugin_error);
    is(std::type_identity<LaunchError>{}, CauseType::launch_error);
    is(std::type_identity<Error>{}, CauseType::error);
    is(std::type_identity<std::invalid_argument>{}, CauseType::invalid_argument);
    is(std::type_identity<std::domain_error>{}, CauseType::domain_error);
    is(std::type_identity<std::length_error>{}, CauseType::length_error);
    is(std::type_identity<std::out_of_range>{}, CauseType::out_of_range);
    is(std::type_identity<std::logic_error>{}, CauseType::logic_error);
    is(std::type_identity<std::range_error>{}, CauseType::range_error);
    is(std::type_identity<std::overflow_error>{}, CauseType::overflow_error);
    is(std::type_identity<std::underflow_error>{}, CauseType::underflow_error);
    is(std::type_identity<std::runtime_error>{}, CauseType::runtime_error);
    is(std::type_identity<std::bad_alloc>{}, CauseType::bad_alloc);
    is(std::type_identity<std::bad_cast>{}, CauseType::bad_cast);
    is(std::type_identity<std::bad_variant_access>{}, CauseType::bad_variant_access);
    is(std::type_identity<std::bad_optional_access>{}, CauseType::bad_optional_access);
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    result.details.type_name = type != nullptr ? demangle(type->name()) : "unknown";
    result.details.message = "not a std::exception";
  }
  return result;
}

std::exception_ptr make_cause(const Encoded& encoded) {
  const std::string& text = encoded.details.message;
  const ErrorKind kind = encoded.details.kind;
  switch (encoded.cause) {
    case CauseType::none:
      return nullptr;
    case CauseType::logic_error:
      return std::make_exception_ptr(std::logic_error(text));
    case CauseType::invalid_argument:
      return std::make_exception_ptr(std::invalid_argument(text));
    case CauseType::domain_error:
      return std::make_exception_ptr(std::domain_error(text));
    case CauseType::length_error:
      return std::make_exception_ptr(std::length_error(text));
    case CauseType::out_of_range:
      return std::make_exception_ptr(std::out_of_range(text));
    case CauseType::runtime_error:
      return std::make_exception_ptr(std::runtime_error(text));
    case CauseType::range_error:
      return std::make_exception_ptr(std::range_error(text));
    case CauseType::overflow_error:
      return std::make_exception_ptr(std::overflow_error(text));
    case CauseType::underflow_error:
      return std::make_exception_ptr(std::underflow_error(text));
    case CauseType::bad_alloc:
      return std::make_exception_ptr(std::bad_alloc());
    case CauseType::bad_cast:
      return std::make_exception_ptr(std::bad_cast());
    case CauseType::system_error:
      return std::make_exception_ptr(std::system_error(encoded.number, std::generic_category(), text));
    case CauseType::error:
      return std::make_exception_ptr(Error(text, kind));
    case CauseType::bad_message:
      return std::make_exception_ptr(BadMessage(text));
    case CauseType::timeout:
      return std::make_exception_ptr(TimeoutError(text));
    case CauseType::interrupted:
      return std::make_exception_ptr(InterruptedException());
    case CauseType::cancelled:
      return std::make_exception_ptr(CancelledException(text));
    case CauseType::channel_closed:
      return std::make_exception_ptr(ChannelClosedError(text));
    case CauseType::config_error:
      return std::make_exception_ptr(ConfigError(text));
    case CauseType::plugin_error:
      return std::make_exception_ptr(PluginError(text));
    case CauseType::launch_error:
      return std::make_exception_ptr(LaunchError(text));
    case CauseType::process_exited:
      return std::make_exception_ptr(ProcessExitedException(encoded.number, encoded.text));
    case CauseType::bad_variant_access:
      return std::make_exception_ptr(std::bad_variant_access());
    case CauseType::bad_optional_access:
      return std::make_exception_ptr(std::bad_optional_access());
  }
  return nullptr;  // of a newer peer: its name and text are enough
}

std::exception_ptr make_remote(Encoded encoded) {
  auto cause = decode_own(encoded);
  if (cause == nullptr) cause = make_cause(encoded);
  return std::make_exception_ptr(RemoteException(std::move(encoded.details), std::move(cause)));
}

}  // namespace

bool detail::register_exception(const ExceptionType& type) {
  OwnTypes& types = OwnTypes::instance();
  const MutexLock lock(types.mutex);
  types.by_name[type.type->name()] = type;
  return true;
}

Payload encode_exception(const std::exception_ptr& exception, Pid worker) {
  Encoded encoded = describe(exception, worker);
  Payload payload;
  OutArchive archive(payload);
  archive(encoded);
  payload.own();
  return payload;
}

std::exception_ptr decode_exception(const Payload& payload, Pid sender) {
  Encoded encoded;
  try {
    InArchive archive(payload);
    archive(encoded);
    archive.finish();
  } catch (const BadMessage& error) {
    encoded = {};
    encoded.details = {sender, ErrorKind::failed, "cohort::BadMessage",
                       std::string("an exception that could not be decoded: ") + error.what(), ""};
  }
  return make_remote(std::move(encoded));
}

std::exception_ptr as_remote_exception(const std::exception_ptr& exception, Pid worker) {
  try {
    std::rethrow_exception(exception);
  } catch (const RemoteException&) {
    return exception;
  } catch (...) {
    Encoded encoded = describe(exception, worker);
    return std::make_exception_ptr(RemoteException(std::move(encoded.details), exception));
  }
}

}  // namespace cohort
