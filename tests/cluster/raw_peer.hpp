#pragma once

#include <dlfcn.h>
#include <link.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include <cohort/cohort.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/module_info.hpp"
#include "wire/handshake.hpp"

namespace cohort::test {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Of this process, as the tables in /proc/self/net name them.
inline std::set<std::string> own_sockets() {
  std::set<std::string> own;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with("socket:[")) own.insert(target.substr(8, target.size() - 9));
  }
  return own;
}

/// Where this process listens; 0 if nowhere.
inline int listening_port() {
  const auto own = own_sockets();
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
      if (state == "0A" && own.contains(inode)) return std::stoi(local.substr(local.rfind(':') + 1), nullptr, 16);
    }
  }
  return 0;
}
inline int listening_port(Pid pid) {
  return remotecall_fetch([] { return listening_port(); }, pid);
}

/// The Unix socket that this process listens at; "" if there is none.
inline std::string listening_path() {
  const auto own = own_sockets();
  std::ifstream file("/proc/self/net/unix");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    words >> number >> references >> protocol >> flags >> type >> state >> inode >> path;
    if (flags == "00010000" && own.contains(inode)) return path;  // it accepts connections
  }
  return "";
}

/// Runs the handshake to its end, over anything with send() and receive(). @return "" when established, else why not.
template <class Peer>
std::string shake_hands(Peer& peer, Handshake::Role role, const Identity& mine, const std::string& cookie) {
  Handshake handshake(role, mine, cookie);
  peer.send(handshake.start().span());
  for (;;) {
    const std::string text = peer.receive();
    if (text.empty()) return handshake.closed_message();
    std::size_t used = 0;
    const auto step = handshake.feed(bytes_of(text), used);
    peer.send(step.out.span());
    if (step.state != Handshake::Step::State::more) return step.error;
  }
}

/// A connection to where a worker listens that need not keep to any rule.
class RawPeer {
 public:
  explicit RawPeer(FileDescriptor socket) : socket_(std::move(socket)) {}
  explicit RawPeer(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw Error("cannot connect to port " + std::to_string(port));
    }
  }

  explicit RawPeer(const std::string& path) : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw Error("cannot connect to " + path);
    }
  }

  /// What the other side no longer takes is lost.
  void send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
  void send(std::string_view text) { send(bytes_of(text)); }
  /// The same, but gives up when the other side takes nothing for so long. @return whether it took all.
  bool send_some(std::span<const std::byte> bytes, Duration patience) {
    while (!bytes.empty()) {
      pollfd room{socket_.get(), POLLOUT, 0};
      if (poll(&room, 1, poll_timeout(deadline_after(patience))) <= 0) return false;
      const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) continue;
      if (n <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// What comes next: "" at the end of the connection. @throws Error if nothing comes.
  std::string receive(Duration limit = std::chrono::seconds(20)) {
    pollfd input{socket_.get(), POLLIN, 0};
    if (poll(&input, 1, poll_timeout(deadline_after(limit))) <= 0) throw Error("nothing came");
    std::array<char, 4096> buffer;
    const ssize_t n = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return n <= 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(n));
  }
  /// Whether the other side ends the connection in time. Reads and forgets what it says before.
  bool ends(Duration limit = std::chrono::seconds(20)) {
    const auto deadline = deadline_after(limit);
    try {
      while (!receive(deadline - Clock::now()).empty()) {
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  /// Runs the handshake to its end. @return "" when established, else why not.
  std::string shake_hands(Handshake::Role role, const Identity& mine, const std::string& cookie) {
    return test::shake_hands(*this, role, mine, cookie);
  }

 private:
  FileDescriptor socket_;
};

/// Of this program, or of the library that contains a function of it.
inline std::string build_id_of(const void* address) {
  struct Search {
    std::uintptr_t place;
    std::string id;
  } search{reinterpret_cast<std::uintptr_t>(address), ""};
  const auto look = [](dl_phdr_info* module, std::size_t, void* data) {
    auto& wanted = *static_cast<Search*>(data);
    bool here = wanted.place == 0;  // the program is the first
    std::string id;
    for (const auto& segment : std::span(module->dlpi_phdr, module->dlpi_phnum)) {
      const auto begin = module->dlpi_addr + segment.p_vaddr;
      here |= segment.p_type == PT_LOAD && wanted.place >= begin && wanted.place - begin < segment.p_memsz;
      const std::span notes(reinterpret_cast<const std::byte*>(begin), segment.p_memsz);
      if (segment.p_type == PT_NOTE && id.empty()) id = build_id_text(find_build_id(notes));
    }
    if (here) wanted.id = id;
    return here ? 1 : 0;
  };
  dl_iterate_phdr(look, &search);
  return search.id;
}
inline std::string executable_build_id() { return build_id_of(nullptr); }
inline std::string library_build_id() { return build_id_of(dlsym(RTLD_NEXT, "_ZN6cohort4myidEv")); }

/// As a process of this cluster would say it.
inline Identity identity_of(Pid pid) { return {protocol_version, pid, executable_build_id(), library_build_id()}; }

}  // namespace cohort::test
