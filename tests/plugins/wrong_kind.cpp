#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::descriptor_with("wrong_kind",
                                           [](auto& descriptor) { descriptor.kind = cohort::PluginKind::transport; }))
