#include "fixture.hpp"

int only_to_use_the_header = fixture::code_ran;
