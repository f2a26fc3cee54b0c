#include "ring_offer.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <cohort/detail/sealed_memory.hpp>
#include <cohort/error.hpp>

namespace cohort_shm {
namespace {

using cohort::Error;
using cohort::ErrorKind;
using cohort::FileDescriptor;
using cohort::IoPair;

/// The only message. Bytes of the stream follow if there are no rings.
struct Offer {
  std::array<char, 8> magic;
  std::uint64_t bytes;  // of the memory; 0: there are no rings
};
constexpr std::array<char, 8> magic{'c', 'o', 'h', 'r', 'i', 'n', 'g', 1};  // the last one is the version

/// Of the dialling side: its ends of the bells, and the memory.
struct Handover {
  FileDescriptor memory, bell_in, bell_out;
};

std::string cause(int error) { return std::generic_category().message(error); }

// The same pipe, with a state of its own: whatever another process does to the flags of its descriptor, this one never
// blocks.
FileDescriptor reopened(const FileDescriptor& pipe, int access) {
  FileDescriptor again(
      ::open(("/proc/self/fd/" + std::to_string(pipe.get())).c_str(), access | O_NONBLOCK | O_CLOEXEC));
  if (again && access == O_RDWR && ::fcntl(again.get(), F_SETFL, O_NONBLOCK | O_DIRECT) != 0) return {};
  return again;
}

struct Bell {
  FileDescriptor to_read, to_write;
};

std::optional<Bell> make_bell() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT) != 0) return std::nullopt;
  Bell bell{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  const long size = 2 * ::sysconf(_SC_PAGESIZE);  // two packets
  if (::fcntl(ends[1], F_SETPIPE_SZ, size) != size) return std::nullopt;
  return bell;
}

// Whether pipes of this system are as ring.hpp needs them; kernels other than Linux that run its programs may differ.
bool bells_work() {
  const auto bell = make_bell();
  if (!bell) return false;
  const FileDescriptor out = reopened(bell->to_write, O_RDWR);
  if (!out) return false;
  const auto ready = [](int descriptor, short events) {
    pollfd polled{descriptor, events, 0};
    return ::poll(&polled, 1, 0) == 1 && polled.revents == events;
  };
  const auto packets_are = [&](int count) {
    return ready(bell->to_read.get(), POLLIN) == (count > 0) && ready(out.get(), POLLOUT) == (count < 2);
  };
  char one = 1;
  return packets_are(0) && ::write(out.get(), &one, 1) == 1 && packets_are(1) && ::write(out.get(), &one, 1) == 1 &&
         packets_are(2) && ::write(out.get(), &one, 1) == -1 && ::read(bell->to_read.get(), &one, 1) == 1 &&
         packets_are(1) && ::read(bell->to_read.get(), &one, 1) == 1 && packets_are(0);
}

// @return null if this process cannot.
std::shared_ptr<Link> make_link(Handover& for_peer) {
  static const bool usable = bells_work();
  if (!usable) return nullptr;
  auto in = make_bell(), out = make_bell();
  for_peer.memory = cohort::detail::make_sealed_memory("cohort-ring", link_bytes, false);
  if (!in || !out || !for_peer.memory) return nullptr;
  FileDescriptor own_out = reopened(out->to_write, O_RDWR);
  if (!own_out) return nullptr;
  for_peer.bell_in = std::move(out->to_read);
  for_peer.bell_out = std::move(in->to_write);
  try {
    return std::make_shared<Link>(for_peer.memory, std::move(in->to_read), std::move(own_out), true);
  } catch (const Error&) {
    return nullptr;
  }
}

union ControlMessage {
  cmsghdr header;
  std::array<char, CMSG_SPACE(3 * sizeof(int))> space;
};

bool send_offer(int socket, std::uint64_t bytes, const Handover* handover) {
  Offer offer{magic, bytes};
  iovec part{&offer, sizeof offer};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlMessage control{};
  if (handover != nullptr) {
    const std::array<int, 3> descriptors{handover->memory.get(), handover->bell_in.get(), handover->bell_out.get()};
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(&control.header), descriptors.data(), sizeof descriptors);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof offer;
}

bool is_pipe(const FileDescriptor& descriptor) {
  struct stat info {};
  struct statfs system {};
  return descriptor && ::fstat(descriptor.get(), &info) == 0 && S_ISFIFO(info.st_mode) &&
         ::fstatfs(descriptor.get(), &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

std::shared_ptr<Link> use(Handover handover, const std::string& what) {
  const std::string wrong = cohort::detail::wrong_sealed_memory(handover.memory.get(), link_bytes);
  if (!wrong.empty()) throw Error(what + ": the memory that it offers cannot be used: " + wrong);
  if (!is_pipe(handover.bell_in) || !is_pipe(handover.bell_out))
    throw Error(what + ": what it offers with its memory is no pipe");
  FileDescriptor in = reopened(handover.bell_in, O_RDONLY), out = reopened(handover.bell_out, O_RDWR);
  if (!in || !out) throw Error(what + ": its pipes cannot be opened: " + cause(errno), ErrorKind::overloaded);
  try {
    return std::make_shared<Link>(handover.memory, std::move(in), std::move(out), false);
  } catch (const Error& error) {
    throw Error(what + ": " + error.what(), error.kind());
  }
}

}  // namespace

IoPair offer_rings(FileDescriptor socket) {
  Handover handover;
  if (auto link = make_link(handover); link && send_offer(socket.get(), link_bytes, &handover))
    return make_ring_pair(std::move(link));
  send_offer(socket.get(), 0, nullptr);  // who cannot even be told is gone, and the stream says so
  return cohort::make_socket_pair(socket.release());
}

std::shared_ptr<Link> take_link(const FileDescriptor& socket, cohort::Clock::time_point deadline,
                                const std::string& what) {
  pollfd input{socket.get(), POLLIN, 0};
  while (::poll(&input, 1, cohort::poll_timeout(deadline)) <= 0) {
    if (cohort::Clock::now() >= deadline) throw cohort::TimeoutError(what + ": it accepts nobody");
  }
  Offer offer{};
  iovec part{&offer, sizeof offer};
  ControlMessage control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const int error = errno;
  Handover handover;
  std::size_t handed_over = 0;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
      count > 0 && header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    handed_over = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < handed_over; ++i) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      (i == 0 ? handover.memory : i == 1 ? handover.bell_in : handover.bell_out).reset(descriptor);
    }
  }
  if (count < 0) throw Error(what + ": " + cause(error), ErrorKind::disconnected);
  if (count == 0) throw Error(what + ": it closed the connection", ErrorKind::disconnected);
  if (count != sizeof offer || offer.magic != magic || (offer.bytes != 0 && offer.bytes != link_bytes))
    throw Error(what + ": another version of cohort, or something else, listens there");
  if (offer.bytes == 0) return nullptr;
  if (handed_over != 3)
    throw Error(what + ": no descriptors left (ulimit -n) for the memory that it offers", ErrorKind::overloaded);
  return use(std::move(handover), what);
}

IoPair take_rings(FileDescriptor socket, cohort::Clock::time_point deadline, const std::string& what) {
  auto link = take_link(socket, deadline, what);
  return link ? make_ring_pair(std::move(link)) : cohort::make_socket_pair(socket.release());
}

}  // namespace cohort_shm
