#pragma once

#include <cohort/file_descriptor.hpp>
#include <cohort/io_pair.hpp>

#include "tls_context.hpp"

namespace cohort_tls {

/// The streams of a session whose handshake is done. @throws Error when no descriptor is left.
cohort::IoPair make_tls_pair(cohort::FileDescriptor socket, Ssl ssl);

}  // namespace cohort_tls
