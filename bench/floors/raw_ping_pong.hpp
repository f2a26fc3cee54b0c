#pragma once

#include "samples.hpp"

namespace floors {

/// Blocking messages of message_bytes over a connected stream socket: one side asks, the other echoes.
Samples ask(int descriptor, int count);
void echo(int descriptor, int count);

}  // namespace floors
