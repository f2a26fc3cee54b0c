#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("wrong_magic", [](auto& descriptor) { descriptor.magic[7] = 2; }))
