#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("wrong_size", [](auto& descriptor) { descriptor.struct_size = 12; }))
