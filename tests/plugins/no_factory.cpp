#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("no_factory", [](auto& descriptor) { descriptor.create = nullptr; }))
