#pragma once

#include <vector>

#include "samples.hpp"

namespace floors {

/// The whole buffer over a connected stream socket, answered by 8 bytes, `count` times.
Samples send_bulk(int descriptor, const std::vector<char>& buffer, int count);
void receive_bulk(int descriptor, std::vector<char>& buffer, int count);

}  // namespace floors
