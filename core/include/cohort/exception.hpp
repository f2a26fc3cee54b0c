#pragma once

#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <cohort/archive.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

struct ExceptionType {
  const std::type_info* type;
  Payload (*encode)(const void* exception);
  std::exception_ptr (*decode)(const Payload& parts);
};
/// @return true. Called during static initialisation, before main.
bool register_exception(const ExceptionType& type);

/// A text as it is sent.
template <class T>
using sent_t = std::conditional_t<std::is_convertible_v<T, std::string>, std::string, T>;

template <class... T>
std::tuple<sent_t<T>...> sent_parts(std::tuple<T...>&& parts) {
  return {std::move(parts)};
}

/// @tparam Take a function without captures: from an E to the arguments of its constructor.
template <class E, class Take>
struct TravellingException {
  static auto parts_of(const E& exception) { return sent_parts(Take()(exception)); }
  using Parts = decltype(parts_of(std::declval<const E&>()));

  static Payload encode(const void* exception) { return cohort::encode(parts_of(*static_cast<const E*>(exception))); }
  static std::exception_ptr decode(const Payload& payload) {
    return std::apply([](auto&&... parts) { return std::make_exception_ptr(E(std::move(parts)...)); },
                      cohort::decode<Parts>(payload));
  }
};

template <class E, class... Part>
constexpr bool constructible_from(std::type_identity<std::tuple<Part...>>) {
  return std::is_constructible_v<E, Part...>;
}
template <class E, class Parts>
constexpr bool makes() {
  return constructible_from<E>(std::type_identity<Parts>());
}

template <class E, class Take>
bool travels(Take) {
  static_assert(std::is_base_of_v<std::exception, E>,
                "cohort: an exception that travels is derived from std::exception");
  if constexpr (!requires(Take take, const E& error) { std::tuple_size<decltype(take(error))>::value; }) {
    static_assert(sizeof(E) == 0,
                  "cohort: the function of COHORT_EXCEPTION takes the exception and returns a std::tuple");
  } else if constexpr (!makes<E, typename TravellingException<E, Take>::Parts>()) {
    static_assert(
        sizeof(E) == 0,
        "cohort: the constructor of the exception cannot be called with what the function of COHORT_EXCEPTION "
        "returns");
  } else {
    using Type = TravellingException<E, Take>;
    return register_exception({&typeid(E), &Type::encode, &Type::decode});
  }
}

}  // namespace detail
}  // namespace cohort

#define COHORT_EXCEPTION_NAME_(number) COHORT_EXCEPTION_JOINED_(number)
#define COHORT_EXCEPTION_JOINED_(number) cohort_exception_##number

/// Lets the exceptions of a class of the program's own travel: RemoteException::cause() is then the exception itself,
/// and not only its standard base class. Write it at namespace scope, in one source of the program, behind the class:
///
///     class QuotaExceeded : public std::runtime_error {
///      public:
///       QuotaExceeded(std::string who, int limit);
///       ...
///     };
///     COHORT_EXCEPTION(QuotaExceeded, [](const QuotaExceeded& error) {
///       return std::tuple(error.who(), error.limit());
///     });
///
/// The function, which cannot capture, returns the arguments with which the receiver constructs the exception; they are
/// sent like arguments of a call. If one of them has a text or an array of 16 KiB or more, a channel or an open future,
/// or if the constructor throws, the cause is the standard base class. Exceptions of a derived class are not those of
/// this class.
#define COHORT_EXCEPTION(type, ...) \
  [[maybe_unused]] static const bool COHORT_EXCEPTION_NAME_(__COUNTER__) = ::cohort::detail::travels<type>(__VA_ARGS__)
