#pragma once

// Headers include it first if they include no other header of cohort, or before a header that older compilers refuse.
// So a compiler for an older C++ gives one clear error, and not pages of errors about unknown concepts.
#if __cplusplus < 202002L
#error "cohort: C++20 is needed: compile with -std=c++20 (in CMake: target_compile_features(... cxx_std_20))"
#include "cohort/needs C++20, see the error above"  // what cannot be found ends the compilation
#endif

#include <cohort/detail/export.hpp>
