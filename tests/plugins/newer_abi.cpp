#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("newer_abi", [](auto& descriptor) { descriptor.abi_minor = 88; }))
