#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("wrong_build_tag",
                                           [](auto& descriptor) { descriptor.build_tag = "cfront-1.0"; }))
