#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("wrong_abi", [](auto& descriptor) { descriptor.abi_major = 77; }))
