#include "floors/raw_ping_pong.hpp"

#include <array>

#include "floors.hpp"
#include "floors/sockets.hpp"

namespace floors {

Samples ask(int descriptor, int count) {
  std::array<char, message_bytes> message{};
  return Samples::of(count, [&] {
    write_all(descriptor, message.data(), message.size());
    read_all(descriptor, message.data(), message.size());
  });
}

void echo(int descriptor, int count) {
  std::array<char, message_bytes> message;
  for (int i = 0; i < count; ++i) {
    read_all(descriptor, message.data(), message.size());
    write_all(descriptor, message.data(), message.size());
  }
}

}  // namespace floors
