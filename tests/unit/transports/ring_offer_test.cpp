// How two processes come to share rings: also with a peer that keeps to no rule, and where there is no memory.

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/detail/sealed_memory.hpp>

#include "ring_ends.hpp"

namespace cohort::test {
namespace {

/// What is made with the first connection and stays: a descriptor for pipes that were closed.
void make_what_stays() { connect(); }

/// Runs in a child of fork(). @return its exit code.
template <class Body>
int in_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(HostileRingOffer, NobodyCanMakeTheMemoryShorter) {
  const FileDescriptor memory = detail::make_sealed_memory("test", 8192, false);
  EXPECT_EQ(detail::wrong_sealed_memory(memory.get(), 8192), "");
  EXPECT_NE(::ftruncate(memory.get(), 4096), 0);
  EXPECT_NE(::ftruncate(memory.get(), 16384), 0);
  EXPECT_NE(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

void send_offer(int socket, std::string_view magic, std::uint64_t bytes, const std::vector<int>& descriptors) {
  std::string text(magic);
  text.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, 200> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  ASSERT_EQ(::sendmsg(socket, &message, 0), static_cast<ssize_t>(text.size()));
}

TEST(HostileRingOffer, OffersThatCannotBeUsedAreErrors) {
  make_what_stays();
  constexpr std::string_view right("cohring\1", 8);
  const FileDescriptor good = detail::make_sealed_memory("test", link_bytes, false);
  const FileDescriptor small = detail::make_sealed_memory("test", link_bytes - 1, false);
  const FileDescriptor unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), static_cast<off_t>(link_bytes)), 0);
  const PipePair pipe;
  const int in = pipe.read.get(), out = pipe.write.get();
  const std::size_t before = descriptors();
  const auto answer_to = [&](std::string_view magic, std::uint64_t bytes, const std::vector<int>& handed_over) {
    auto [near, far] = sockets();
    send_offer(near.get(), magic, bytes, handed_over);
    return message_of([&] { take_rings(std::move(far), patience(), "test"); });
  };
  EXPECT_EQ(answer_to(right, link_bytes, {good.get(), in, out}), "no error");
  EXPECT_NE(answer_to(right, link_bytes, {unsealed.get(), in, out}).find("its size could change"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {small.get(), in, out}).find("it has "), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {out, in, good.get()}).find("it is not a memory"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {good.get(), good.get(), out}).find("is no pipe"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {good.get()}).find("no descriptors left"), std::string::npos);
  EXPECT_NE(answer_to(right, link_bytes, {}).find("no descriptors left"), std::string::npos);
  EXPECT_NE(answer_to(right, 5, {good.get(), in, out}).find("another version of cohort"), std::string::npos);
  EXPECT_NE(answer_to("GET / HT", link_bytes, {good.get(), in, out, in, out, in, out}).find("another version"),
            std::string::npos);
  auto [near, far] = sockets();
  EXPECT_THROW(take_rings(std::move(far), Clock::now() + 10ms, "test"), TimeoutError);
  auto [gone, left] = sockets();
  gone.reset();
  EXPECT_NE(message_of([&] { take_rings(std::move(left), patience(), "test"); }).find("it closed the connection"),
            std::string::npos);
  near.reset();
  EXPECT_EQ(descriptors(), before);
}

// --- Where there is no memory. ---

/// 0 if two ends talk by their socket, and nothing is left; else where it failed.
int talk_by_socket() {
  auto [near, far] = sockets();
  const std::size_t before = descriptors();
  {
    const IoPair offering = offer_rings(std::move(near));
    if (::getsockopt(offering.reader->descriptor(), SOL_SOCKET, SO_TYPE, nullptr, nullptr) != 0 && errno == ENOTSOCK)
      return 1;
    const IoPair taking = take_rings(std::move(far), patience(), "test");
    if (write(*offering.writer, "question") != 8 || read(*taking.reader) != "question") return 2;
    if (write(*taking.writer, "answer") != 6 || read(*offering.reader) != "answer") return 3;
  }
  return descriptors() == before - 2 ? 0 : 4;
}

int limit(int what, rlim_t value) {
  const rlimit limit{value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(what), &limit);
}

TEST(RingOffer, TheSocketIsUsedWhereFilesMayNotBeSoLarge) {
  make_what_stays();
  EXPECT_EQ(in_child([] { return limit(RLIMIT_FSIZE, link_bytes - 1) != 0 ? 10 : talk_by_socket(); }), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need much address space
std::size_t mapped_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

TEST(RingOffer, TheSocketIsUsedWhereThereIsNoRoomToMapIt) {
  make_what_stays();
  EXPECT_EQ(in_child([] { return limit(RLIMIT_AS, mapped_bytes() + link_bytes - 4096) != 0 ? 10 : talk_by_socket(); }),
            0);
}

TEST(RingOffer, ADiallerWithoutRoomToMapItGetsAnError) {
  auto [near, far] = sockets();
  const IoPair offering = offer_rings(std::move(near));
  EXPECT_EQ(in_child([&] {
              const std::size_t before = descriptors();
              if (limit(RLIMIT_AS, mapped_bytes() + link_bytes - 4096) != 0) return 10;
              const auto error = message_of([&] { take_rings(std::move(far), patience(), "cannot connect to x"); });
              if (error.find("cannot connect to x: cannot map a memory of ") != 0) return 1;
              return descriptors() == before - 1 ? 0 : 2;
            }),
            0);
}
#endif

TEST(RingOffer, TheSocketIsUsedWhereNoDescriptorsAreLeft) {
  make_what_stays();
  EXPECT_EQ(in_child([] {
              auto [near, far] = sockets();
              const int next = ::dup(far.get());
              ::close(next);
              rlimit before{};
              ::getrlimit(RLIMIT_NOFILE, &before);
              const rlimit none{static_cast<rlim_t>(next + 2), before.rlim_max};
              if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 10;
              const IoPair offering = offer_rings(std::move(near));
              ::setrlimit(RLIMIT_NOFILE, &before);
              const IoPair taking = take_rings(std::move(far), patience(), "test");
              return write(*offering.writer, "x") == 1 && read(*taking.reader) == "x" ? 0 : 1;
            }),
            0);
}

TEST(RingOffer, TheSocketIsUsedWhereNoSuchMemoryCanBeMade) {
  make_what_stays();
  EXPECT_EQ(in_child([] {
              sock_filter instructions[] = {
                  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the system call
                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
              };
              const sock_fprog program{std::size(instructions), instructions};
              if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
                return 10;
              return talk_by_socket();
            }),
            0);
}

}  // namespace
}  // namespace cohort::test
