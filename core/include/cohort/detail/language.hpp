#pragma once

// Included first by every header that includes no other one of cohort, or what older compilers refuse before that: so
// that a compiler for an older C++ says one sentence, and no pages about concepts that it does not know.
#if __cplusplus < 202002L
#error "cohort: C++20 is needed: compile with -std=c++20 (in CMake: target_compile_features(... cxx_std_20))"
#include "cohort/needs C++20, see the error above"  // what cannot be found ends the compilation
#endif
