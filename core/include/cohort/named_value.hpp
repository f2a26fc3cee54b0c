#pragma once

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

namespace cohort {

namespace detail {
void set_value(const std::string& name, std::shared_ptr<const void> object, const std::type_info& type,
               Payload payload);
std::shared_ptr<const void> find_value(const std::string& name, const std::type_info& type, Decoder decode);
}  // namespace detail

/// Makes a value known under a name in all processes, also in workers that are added later: they have it before they
/// run anything. It is encoded once, and sent only where it is not yet what the name stands for. Returns when all
/// have it. Any process may do this; all see the values of one name in the same order.
/// @throws what the encoding throws; CompositeException what happened in processes that could not take it.
template <class T>
void set_value(const std::string& name, T&& value) {
  using Stored = detail::serialized_as_t<T>;
  auto object = std::make_shared<const Stored>(std::forward<T>(value));
  Payload payload = detail::encode_object<Stored>(object);
  detail::set_value(name, object, typeid(Stored), std::move(payload));
}

/// The value of that name in this process: no message, decoded once. It is valid for as long as the pointer is held,
/// whatever the name stands for meanwhile.
/// @throws Error there is no such value here (with the nearest name), or it is not exactly a T (with both types);
/// BadMessage it cannot be decoded.
template <class T>
std::shared_ptr<const T> value(const std::string& name) {
  static_assert(std::is_same_v<T, std::decay_t<T>>, "cohort: a named value is kept as a value of its decayed type");
  return std::static_pointer_cast<const T>(detail::find_value(name, typeid(T), &detail::decode_object<T>));
}

/// Forgets values in all processes, and for workers to come. Names that stand for nothing are ignored.
void clear(const std::string& name);
void clear(const std::vector<std::string>& names);
/// All of them.
void clear();
/// Forgets values only in these processes; they come back with the next set_value() of that name.
void clear(const std::vector<std::string>& names, const std::vector<Pid>& pids);
void clear(const std::string& name, const std::vector<Pid>& pids);

}  // namespace cohort
