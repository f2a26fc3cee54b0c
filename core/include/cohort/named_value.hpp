#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/detail/runtime.hpp>
#include <cohort/function.hpp>
#include <cohort/future.hpp>
#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {
void set_value(const std::string& name, std::shared_ptr<const void> object, const std::type_info& type,
               Payload payload);
std::shared_ptr<const void> find_value(const std::string& name, const std::type_info& type, Decoder decode);
}  // namespace detail

/// Gives a name to a value in all processes, and returns when all have it. Workers that are added later have it before
/// they run anything. The value is encoded once, and sent only to processes where the name does not have it already.
/// May be called in any process; all processes see the values of one name in the same order.
/// @throws what the encoding throws; CompositeException for failures of other processes.
template <class T>
void set_value(const std::string& name, T&& value) {
  using Stored = detail::serialized_as_t<T>;
  auto object = std::make_shared<const Stored>(std::forward<T>(value));
  Payload payload = detail::encode_object<Stored>(object);
  detail::set_value(name, object, typeid(Stored), std::move(payload));
}

/// Returns the value of that name in this process. Sends no message; the value is decoded once. It stays valid as long
/// as the pointer is held, even if the name gets another value.
/// @throws Error if there is no such value here (with the nearest name), or if its type is not exactly T (with both
/// types); BadMessage if it cannot be decoded.
template <class T>
std::shared_ptr<const T> value(const std::string& name) {
  static_assert(std::is_same_v<T, std::decay_t<T>>, "cohort: a named value is kept as a value of its decayed type");
  return std::static_pointer_cast<const T>(detail::find_value(name, typeid(T), &detail::decode_object<T>));
}

/// Removes values in all processes, and for future workers. Unknown names are ignored.
void clear(const std::string& name);
void clear(const std::vector<std::string>& names);
inline void clear(std::initializer_list<const char*> names) {
  clear(std::vector<std::string>(names.begin(), names.end()));
}
/// Removes all values.
void clear();
/// Removes values only in these processes, until the next set_value() of that name.
void clear(const std::vector<std::string>& names, const std::vector<Pid>& pids);
void clear(const std::string& name, const std::vector<Pid>& pids);
inline void clear(std::initializer_list<const char*> names, const std::vector<Pid>& pids) {
  clear(std::vector<std::string>(names.begin(), names.end()), pids);
}

}  // namespace cohort
