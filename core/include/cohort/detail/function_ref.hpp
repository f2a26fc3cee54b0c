#pragma once

// Functions that are called many times on one worker: their captured values are sent there once. Not for programs.

#include <compare>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/function.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// Names a function that its owner sent to another process.
struct FunctionKey {
  Pid owner = no_pid;
  std::int32_t reserved = 0;
  std::uint64_t id = 0;
  FunctionKey() = default;
  FunctionKey(Pid owner_pid, std::uint64_t number) : owner(owner_pid), id(number) {}
  auto operator<=>(const FunctionKey&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(owner, reserved, id);
  }
};

/// Stores the function in the process to which its owner sent it. Called within the owner's call.
void keep_function(FunctionKey key, std::shared_ptr<const void> function, const std::type_info& type);
/// Returns a stored function. @throws Error, unimplemented, if it is not here.
std::shared_ptr<const void> kept_function(FunctionKey key, const std::type_info& type);
void drop_functions(const std::vector<std::uint64_t>& ids);

/// Whether a call names the function by the key of a function that was sent before.
template <class F>
inline constexpr bool is_kept = FunctorByValue<F>;

/// Writes how a job's call names its function: by nothing if it has no state, by an address, or by the key of a
/// function that was sent before. @param function an F.
template <class F>
void save_function(OutArchive& archive, const void* function, FunctionKey key) {
  if constexpr (is_kept<F>)
    archive(key);
  else
    Portable<F>::write(archive, *static_cast<const F*>(function));
}
/// Reads it. @return the argument for callable(). @throws Error, unimplemented, if there is no such function here.
template <class F>
std::shared_ptr<const void> load_function(InArchive& archive) {
  if constexpr (FunctionPointer<F>) {
    F pointer = nullptr;
    Portable<F>::read(archive, pointer);
    return {std::shared_ptr<const void>(), reinterpret_cast<const void*>(pointer)};
  } else if constexpr (is_kept<F>) {
    FunctionKey key;
    archive(key);
    return kept_function(key, typeid(F));
  } else {
    return nullptr;
  }
}
/// Returns the function to call, any number of times.
template <class F>
auto callable(const std::shared_ptr<const void>& function) {
  if constexpr (Stateless<F>) {
    return F{};
  } else if constexpr (FunctionPointer<F>) {
    return reinterpret_cast<F>(const_cast<void*>(function.get()));
  } else {
    return [function]<class... A>(A&&... arguments) -> decltype(auto) {
      const F& kept = *static_cast<const F*>(function.get());
      if constexpr (std::is_invocable_v<const F&, A...>)
        return kept(std::forward<A>(arguments)...);
      else  // it changes itself: each call has a fresh one
        return F(kept)(std::forward<A>(arguments)...);
    };
  }
}

/// Runs in the process to which the function is sent.
template <class F>
struct KeepFunction {
  void operator()(FunctionKey key, F function) const {
    keep_function(key, std::make_shared<const F>(std::move(function)), typeid(F));
  }
};

/// A function that can be called many times.
struct PortableFunction {
  std::shared_ptr<const void> object;
  const std::type_info* type = nullptr;
  FunctionId thunk;  ///< of KeepFunction; none: the function need not be sent
  Payload encoded;   ///< the object, if it must be sent; owns its segments

  bool is_to_be_sent() const { return thunk != FunctionId{}; }
};

template <class F>
PortableFunction portable(std::shared_ptr<const F> function) {
  PortableFunction result;
  result.object = function;
  result.type = &typeid(F);
  if constexpr (is_kept<F>) {
    result.thunk = ThunkOf<KeepFunction<F>, FunctionKey, F>::id();
    OutArchive archive(result.encoded, function);
    archive(*function);
  }
  return result;
}

}  // namespace detail
}  // namespace cohort
