// The stack of a throw is known only when it happens: once a handler runs, the frames are gone. So this library defines
// __cxa_throw, which every `throw` calls, notes the frames when the thread runs a call, and goes on to the C++
// runtime's. Programs find this one because they name libcohort before libstdc++; a program that was linked otherwise
// gets no stacks and loses nothing else.

#include "remote/throw_stack.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <typeinfo>

#include <cohort/detail/runtime.hpp>

#include "base/module_info.hpp"

namespace cohort {
namespace {

constexpr std::size_t max_name = 300;  // names of templates can be endless

struct Throw {
  const void* scope = nullptr;   // frames from the one around this address on are not the call's; null: note nothing
  const void* object = nullptr;  // the exception
  const std::type_info* type = nullptr;
  std::uintptr_t thrower = 0;  // the frame of the throw; before it come those of this file
  std::size_t depth = 0;
  std::array<std::uintptr_t, 64> frames{};  // addresses inside the calling instructions
};

constinit thread_local Throw last_throw;

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* to) {
  auto& noted = *static_cast<Throw*>(to);
  // What is called the CFA here is the frame's lower end: the one that holds the scope was noted as the last.
  if (_Unwind_GetCFA(context) > reinterpret_cast<std::uintptr_t>(noted.scope)) {
    if (noted.depth > 0) noted.depth--;
    return _URC_END_OF_STACK;
  }
  if (noted.depth == noted.frames.size()) return _URC_END_OF_STACK;
  int before_instruction = 0;
  const auto address = _Unwind_GetIPInfo(context, &before_instruction);
  noted.frames[noted.depth++] = before_instruction != 0 ? address : address - 1;
  return _URC_NO_REASON;
}

// Allocates nothing: what is thrown may be std::bad_alloc.
[[gnu::noinline]] void note_throw(const void* object, const std::type_info* type, const void* thrower) {
  Throw& noted = last_throw;
  if (noted.scope == nullptr) return;
  noted.object = object;
  noted.type = type;
  noted.thrower = reinterpret_cast<std::uintptr_t>(thrower) - 1;
  noted.depth = 0;
  _Unwind_Backtrace(&note_frame, &noted);
}

std::string describe_frame(std::uintptr_t address) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(address), &info) == 0) return fmt::format("0x{:x}", address);
  const std::string_view path = info.dli_fname;
  const auto place = fmt::format("{}+0x{:x}", path.substr(path.rfind('/') + 1),
                                 address - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
  if (info.dli_sname == nullptr) return place;
  int status = 0;
  char* readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : info.dli_sname;
  std::free(readable);
  if (name.size() > max_name) name = name.substr(0, max_name) + "...";
  return name + " (" + place + ")";
}

/// Where the module of an address begins in memory; null if it is not known.
const void* module_of(std::uintptr_t address) {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void*>(address), &info) == 0 ? nullptr : info.dli_fbase;
}

}  // namespace

detail::ThrowStackScope::ThrowStackScope() : outer_(last_throw.scope) {
  last_throw.scope = this;
  last_throw.object = nullptr;
}

detail::ThrowStackScope::~ThrowStackScope() {
  last_throw.scope = outer_;
  last_throw.object = nullptr;
}

std::string throw_stack_of(const std::exception_ptr& exception) {
  const Throw& noted = last_throw;
  // An exception_ptr is a pointer to the exception, by the ABI.
  static_assert(sizeof exception == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, static_cast<const void*>(&exception), sizeof object);
  if (object == nullptr || noted.object != object || exception.__cxa_exception_type() != noted.type) return "";
  const auto* end = noted.frames.begin() + noted.depth;
  const auto* frame = std::find(noted.frames.begin(), end, noted.thrower);
  // Between the scope and the function are frames of this library, as many as the compiler has not inlined.
  const auto here = reinterpret_cast<std::uintptr_t>(&throw_stack_of);
  if (!module_file(reinterpret_cast<const void*>(here)).empty())  // it is not a part of the program
    while (end - frame > 1 && module_of(*(end - 1)) == module_of(here)) --end;
  std::string text;
  for (; frame != end; ++frame) {
    text += (text.empty() ? "  at " : "\n  at ") + describe_frame(*frame);
  }
  return text;
}

}  // namespace cohort

namespace __cxxabiv1 {

extern "C" [[gnu::visibility("default")]] void __cxa_throw(void* object, std::type_info* type, void (*destroy)(void*)) {
  using ThrowFunction = void (*)(void*, std::type_info*, void (*)(void*));
  static const auto next = reinterpret_cast<ThrowFunction>(dlsym(RTLD_NEXT, "__cxa_throw"));
  cohort::note_throw(object, type, __builtin_return_address(0));
  if (next != nullptr) next(object, type, destroy);
  std::abort();  // without a C++ runtime nothing can be thrown
}

}  // namespace __cxxabiv1
