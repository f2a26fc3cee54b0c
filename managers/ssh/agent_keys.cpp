#include "agent_keys.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include <cohort/file_descriptor.hpp>

namespace cohort_ssh {
namespace {

// draft-miller-ssh-agent
constexpr char request_identities = 11, identities_answer = 12;
constexpr std::size_t longest_answer = 256 * 1024, most_shown = 20, longest_shown = 60;

bool receive(int socket, char* bytes, std::size_t size) {
  return ::recv(socket, bytes, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

std::uint32_t number_at(const char* bytes) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::optional<std::string_view> take_string(std::string_view& rest) {
  if (rest.size() < 4) return std::nullopt;
  const std::uint32_t size = number_at(rest.data());
  rest.remove_prefix(4);
  if (size > rest.size()) return std::nullopt;
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return text;
}

cohort::FileDescriptor connect_to_agent() {
  const char* path = std::getenv("SSH_AUTH_SOCK");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return {};
  std::strcpy(address.sun_path, path);
  cohort::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval second{1, 0};
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  return socket;
}

// What the agent answers, without the length in front of it.
std::string ask_agent() {
  const auto socket = connect_to_agent();
  const char request[] = {0, 0, 0, 1, request_identities};
  char size[4];
  if (!socket || ::send(socket.get(), request, sizeof request, MSG_NOSIGNAL) != sizeof request ||
      !receive(socket.get(), size, sizeof size))
    return "";
  std::string answer(std::min<std::size_t>(number_at(size), longest_answer), '\0');
  return receive(socket.get(), answer.data(), answer.size()) ? answer : "";
}

}  // namespace

std::string names_of_agent_keys() {
  const std::string answer = ask_agent();
  std::string_view rest = answer;
  if (rest.size() < 5 || rest.front() != identities_answer) return "";
  const std::uint32_t count = number_at(rest.data() + 1);
  rest.remove_prefix(5);
  std::string names;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto key = take_string(rest), comment = key ? take_string(rest) : std::nullopt;
    if (!comment) break;
    if (i == most_shown) {
      names += ", and " + std::to_string(count - i) + " more";
      break;
    }
    names += (names.empty() ? "" : ", ") + std::string(comment->substr(0, longest_shown));
  }
  return names.empty() ? "" : " (" + names + ")";
}

}  // namespace cohort_ssh
