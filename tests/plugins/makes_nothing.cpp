#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("makes_nothing", [](auto& descriptor) {
  descriptor.create = [](const cohort::Options&) -> void* { return nullptr; };
}))
