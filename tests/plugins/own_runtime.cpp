#include "fixture.hpp"

namespace {
const char own_copy = 0;
}

EXPORT_DESCRIPTOR(fixture::descriptor_with("own_runtime", [](auto& descriptor) {
  descriptor.runtime = []() -> const void* { return &own_copy; };
}))
