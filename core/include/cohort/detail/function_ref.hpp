#pragma once

// Functions that are called many times on one worker: their captured values travel there once. Not for programs.

#include <compare>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/function.hpp>

namespace cohort::detail {

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

/// In the process that was sent the function, on behalf of a call from its owner.
void keep_function(FunctionKey key, std::shared_ptr<const void> function, const std::type_info& type);
/// @throws Error, unimplemented, when it is not here.
std::shared_ptr<const void> kept_function(FunctionKey key, const std::type_info& type);
void drop_functions(const std::vector<std::uint64_t>& ids);

/// How a call names its function: nothing for one without state, an address, or the key of one that was sent before.
template <class F>
class FunctionRef {
 public:
  static constexpr bool is_kept = FunctorByValue<F>;

  FunctionRef() = default;
  /// @param key of a function that is_kept.
  FunctionRef(const F& function, FunctionKey key) {
    if constexpr (FunctionPointer<F>)
      name_ = function_id(reinterpret_cast<const void*>(function));
    else if constexpr (is_kept)
      name_ = key;
  }

  /// What to call, any number of times; it must not outlive this.
  auto get() const {
    if constexpr (Stateless<F>) {
      return F{};
    } else if constexpr (FunctionPointer<F>) {
      return reinterpret_cast<F>(const_cast<void*>(function_at(name_)));
    } else {
      return [function = std::static_pointer_cast<const F>(kept_function(name_, typeid(F)))]<class... A>(
                 A&&... arguments) -> decltype(auto) {
        if constexpr (std::is_invocable_v<const F&, A...>)
          return (*function)(std::forward<A>(arguments)...);
        else  // it changes itself: each call has a fresh one
          return F(*function)(std::forward<A>(arguments)...);
      };
    }
  }

  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (FunctionPointer<F>)
      archive(name_.module, name_.offset);
    else if constexpr (is_kept)
      archive(name_);
  }

 private:
  struct NoName {};
  std::conditional_t<FunctionPointer<F>, FunctionId, std::conditional_t<is_kept, FunctionKey, NoName>> name_;
};

/// Runs where the function is sent to.
template <class F>
struct KeepFunction {
  void operator()(FunctionKey key, F function) const {
    keep_function(key, std::make_shared<const F>(std::move(function)), typeid(F));
  }
};

/// A function to be sent to workers.
struct PortableFunction {
  std::shared_ptr<const void> object;
  const std::type_info* type = nullptr;
  FunctionId thunk;  ///< of KeepFunction
  Payload encoded;   ///< the object; segments are owned by it
};

template <class F>
PortableFunction portable(std::shared_ptr<const F> function) {
  PortableFunction result{function, &typeid(F), ThunkOf<KeepFunction<F>, FunctionKey, F>::id(), {}};
  OutArchive archive(result.encoded, function);
  archive(*function);
  return result;
}

}  // namespace cohort::detail
