#include "base/demangle.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace cohort {

std::string demangle(const char* mangled) {
  constexpr std::string_view long_string =
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                    &std::free);
  std::string text = name ? name.get() : mangled;
  for (std::size_t at = 0; (at = text.find(long_string, at)) != text.npos;) {
    text.replace(at, long_string.size(), "std::string");
  }
  return text;
}

}  // namespace cohort
