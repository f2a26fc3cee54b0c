#include "fixture.hpp"

EXPORT_DESCRIPTOR(fixture::sound_descriptor("changed_end"))
