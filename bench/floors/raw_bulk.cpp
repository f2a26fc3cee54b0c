#include "floors/raw_bulk.hpp"

#include <cstdint>

#include "floors/sockets.hpp"

namespace floors {

Samples send_bulk(int descriptor, const std::vector<char>& buffer, int count) {
  return Samples::of(count, [&] {
    std::uint64_t answer;
    write_all(descriptor, buffer.data(), buffer.size());
    read_all(descriptor, &answer, sizeof answer);
  });
}

void receive_bulk(int descriptor, std::vector<char>& buffer, int count) {
  for (int i = 0; i < count; ++i) {
    const std::uint64_t answer = buffer.size();
    read_all(descriptor, buffer.data(), buffer.size());
    write_all(descriptor, &answer, sizeof answer);
  }
}

}  // namespace floors
