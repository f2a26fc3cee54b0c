#include "fixture.hpp"

extern "C" int cohort_test_function_that_nobody_defines();
int result = cohort_test_function_that_nobody_defines();

EXPORT_DESCRIPTOR(fixture::sound_descriptor("undefined_symbol"))
